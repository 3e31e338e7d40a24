// Parts of rope.wgsl and of the attention kernels: what they are bound to, and how a head is read and
// written.

// #section bindings
// #part step
@group(0) @binding(1) var<storage, read> qkv: array<f32>;    // or the rotated queries (rope.wgsl)
@group(0) @binding(2) var<storage, read> table: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> extras: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
// Each segment: [sequence][kv head][k, v][position][DIM / 8] vec4<u32>.
// #each s < SEGMENTS
@group(0) @binding({s+5}) var<storage, read_write> cache{s}: array<vec4<u32>>;
// #end

const DIM = {DIM}u;
const HEADS = {HEADS}u;        // query heads
const KV_HEADS = {KV_HEADS}u;
const STARTS = array<u32, {SEGMENTS+1}>({STARTS});   // first position of each segment
const SCALE = f32({SCALE});    // of q . k before the softmax

// Adds the bias, norms the head, rotates; writes a position of a head to the cache as packed f16 pairs.
//
//   element(row, head, e)   x + bias, times the head's norm where the model has one
//   rotated(row, head, j)   elements 2j and 2j+1 of the head after RoPE
//
//   heads count through q, then k, then v       extras: [qkv bias][q norm][k norm]

// #section heads
const QKV = {QKV}u;            // floats of a row: (heads + 2 kv heads) * DIM
const BIAS = {BIAS}u;          // 1 when q, k and v have biases
const HEAD_NORM = {HEAD_NORM}u;
const NORM_BASE = BIAS * QKV;
const EPSILON = f32({EPSILON});
const INTERLEAVED = {INTERLEAVED}u;
const ROPE_DIMS = {ROPE_DIMS}u;
const HALF = ROPE_DIMS / 2u;

fn biased(row: u32, head: u32, e: u32) -> f32 {
  let at = head * DIM + e;
  var x = qkv[row * QKV + at];
  if (BIAS == 1u) {
    x += extras[at];
  }
  return x;
}

// 1 / rms of the head; 1 where the model does not norm heads
fn head_scale(row: u32, head: u32) -> f32 {
  if (HEAD_NORM == 0u) {
    return 1.0;
  }
  var sum = 0.0;
  for (var e = 0u; e < DIM; e++) {
    let x = biased(row, head, e);
    sum += x * x;
  }
  return inverseSqrt(sum / f32(DIM) + EPSILON);
}

fn element(row: u32, head: u32, e: u32, scale: f32) -> f32 {
  var x = biased(row, head, e);
  if (HEAD_NORM == 1u) {
    x *= scale * extras[NORM_BASE + select(0u, DIM, head >= HEADS) + e];
  }
  return x;
}

fn rotated(row: u32, head: u32, j: u32, position: u32, scale: f32) -> vec2<f32> {
  let e = 2u * j;
  let own = vec2(element(row, head, e, scale), element(row, head, e + 1u, scale));
  if (e >= ROPE_DIMS) {
    return own;
  }
  if (INTERLEAVED == 1u) {
    let turn = table[position * HALF + j];
    return vec2(own.x * turn.x - own.y * turn.y, own.x * turn.y + own.y * turn.x);
  }
  let low = e < HALF;
  let other_at = select(e - HALF, e + HALF, low);
  let i = select(e - HALF, e, low);
  let other = vec2(element(row, head, other_at, scale), element(row, head, other_at + 1u, scale));
  let first = table[position * HALF + i];
  let second = table[position * HALF + i + 1u];
  let sign = select(1.0, -1.0, low);
  return own * vec2(first.x, second.x) + sign * other * vec2(first.y, second.y);
}

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
