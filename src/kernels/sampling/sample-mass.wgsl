// chunks[sample, c]: the sum of e^((logit - best) / temperature) above the threshold, and how many
// equal it
//
//   one thread for each (sample, chunk): dispatch (ceil(samples * CHUNKS / 64), 1, 1)

// #part common

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let sample = id.x / CHUNKS;
  if (sample >= step.samples || requests[sample].temperature == 0.0) {
    return;
  }
  let state = states[sample];
  let request = requests[sample];
  let floor = state.best + request.log_min_p;
  let begin = min(id.x % CHUNKS * CHUNK, VOCABULARY);
  let end = min(begin + CHUNK, VOCABULARY);
  var sum = 0.0;
  var ties = 0u;
  for (var i = begin; i < end; i++) {
    let x = logits[sample * VOCABULARY + i];
    let key = key_of(x);
    if (x >= floor) {
      if (key > state.key) {
        sum += exp((x - state.best) / request.temperature);
      }
      ties += u32(key == state.key);
    }
  }
  chunks[id.x] = Chunk(0.0, 0u, sum, ties);
}
