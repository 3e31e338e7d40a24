// histogram[sample, c, d] = how many of chunk c's logits have digit d next in their keys, after
// the prefix found so far, and the sum of their e^(logit - best)
//
//   one thread for each (sample, chunk), which owns its 256 bins: dispatch (ceil(samples * CHUNKS / 64), 1, 1)

// #part common

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let sample = id.x / CHUNKS;
  if (sample >= step.samples || requests[sample].temperature == 0.0) {
    return;
  }
  let state = states[sample];
  if (state.level >= 8u) {
    return;
  }
  let bins = id.x * 512u;
  for (var i = 0u; i < 512u; i++) {
    histogram[bins + i] = 0u;
  }
  let digit = state.level % 4u;
  let shift = 24u - 8u * digit;
  let begin = min(id.x % CHUNKS * CHUNK, VOCABULARY);
  let end = min(begin + CHUNK, VOCABULARY);
  for (var i = begin; i < end; i++) {
    let x = logits[sample * VOCABULARY + i];
    let key = key_of(x);
    // A shift by 32 is no shift: the first digit has no prefix.
    let inside = digit == 0u || (key >> (shift + 8u)) == state.prefix;
    if (inside && key >= state.k_key) {
      let bin = bins + 2u * ((key >> shift) & 255u);
      histogram[bin] += 1u;
      histogram[bin + 1u] = bitcast<u32>(bitcast<f32>(histogram[bin + 1u]) + exp(x - state.best));
    }
  }
}
