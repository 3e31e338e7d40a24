// chunks[sample, c]: the largest logit of each chunk and the sums of its masses, before penalties
//
//   one thread for each (sample, chunk): no barrier
//   dispatch (samples * SPANS, 1, 1)

// #part common

@compute @workgroup_size(PARTS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
  let sample = group.x / SPANS;
  let c = group.x % SPANS * PARTS + t;
  chunks[sample * CHUNKS + c] = chunk_of(sample, c, requests[sample]);
}
