// A part: writes one position of one head to the cache as packed f16 pairs.
//
//   each cache segment [sequence][kv head][k, v][position][DIM / 8] vec4<u32>

const STARTS = array<u32, {SEGMENTS+1}>({STARTS});   // first position of each segment

fn packed8(a: vec2<f32>, b: vec2<f32>, c: vec2<f32>, d: vec2<f32>) -> vec4<u32> {
  return vec4(pack2x16float(a), pack2x16float(b), pack2x16float(c), pack2x16float(d));
}

// which = 0 for keys, 1 for values; block counts vec4s of the head
fn cache_store(sequence: u32, kv_head: u32, which: u32, position: u32, block: u32, words: vec4<u32>) {
  let plane = (sequence * KV_HEADS + kv_head) * 2u + which;
  // #each s < SEGMENTS
  if (position >= STARTS[{s}] && position < STARTS[{s+1}]) {
    let length = STARTS[{s+1}] - STARTS[{s}];
    cache{s}[(plane * length + position - STARTS[{s}]) * (DIM / 8u) + block] = words;
  }
  // #end
}

// elements 8 block .. 8 block + 7 of the row's key and value
fn write_block(row: u32, kv_head: u32, sequence: u32, position: u32, block: u32) {
  let key = HEADS + kv_head;
  let value = key + KV_HEADS;
  let scale = head_scale(row, key);
  let j = 4u * block;
  let e = 8u * block;
  cache_store(sequence, kv_head, 0u, position, block, packed8(
    rotated(row, key, j, position, scale), rotated(row, key, j + 1u, position, scale),
    rotated(row, key, j + 2u, position, scale), rotated(row, key, j + 3u, position, scale)));
  cache_store(sequence, kv_head, 1u, position, block, packed8(
    vec2(biased(row, value, e), biased(row, value, e + 1u)),
    vec2(biased(row, value, e + 2u), biased(row, value, e + 3u)),
    vec2(biased(row, value, e + 4u), biased(row, value, e + 5u)),
    vec2(biased(row, value, e + 6u), biased(row, value, e + 7u))));
}

fn write_position(row: u32, kv_head: u32, sequence: u32, position: u32) {
  for (var block = 0u; block < DIM / 8u; block++) {
    write_block(row, kv_head, sequence, position, block);
  }
}
