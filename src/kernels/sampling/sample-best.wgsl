// chunks[sample, c] = the largest logit of chunk c (ties: the lowest token) after the last one
// listed, and the sum of e^(logit - largest)
//
//   RAW 1: before penalties, for samples that list probabilities; 0: for the choice
//   one thread for each (sample, chunk): dispatch (ceil(samples * CHUNKS / 64), 1, 1)

// #part common
override RAW: u32;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let sample = id.x / CHUNKS;
  if (sample >= step.samples) {
    return;
  }
  let request = requests[sample];
  if (RAW == 1u && request.top_logprobs == 0u) {
    return;
  }
  let begin = min(id.x % CHUNKS * CHUNK, VOCABULARY);
  let end = min(begin + CHUNK, VOCABULARY);
  let base = sample * VOCABULARY;
  let bounded = RAW == 1u && states[sample].listed > 0u;
  let bound = states[sample].best;
  let bound_token = states[sample].token;
  var value = LOWEST;
  var token = ALL;
  for (var i = begin; i < end; i++) {
    let x = logits[base + i];
    let after = !bounded || x < bound || (x == bound && i > bound_token);
    let better = after && (x > value || token == ALL);
    value = select(value, x, better);
    token = select(token, i, better);
  }
  var sum = 0.0;
  if (!bounded && (RAW == 1u || request.temperature > 0.0)) {
    for (var i = begin; i < end; i++) {
      sum += exp(logits[base + i] - value);
    }
  }
  chunks[id.x] = Chunk(value, token, sum, 0u);
}
