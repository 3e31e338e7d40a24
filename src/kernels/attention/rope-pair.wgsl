// A part of kernels that read q, k and v: adds the bias, norms the head, rotates.
//
//   element(row, head, e)   x + bias, times the head's norm where the model has one
//   rotated(row, head, j)   elements 2j and 2j+1 of the head after RoPE
//
//   heads count through q, then k, then v       extras: [qkv bias][q norm][k norm]

const QKV = {QKV}u;            // floats of a row: (heads + 2 kv heads) * DIM
const DIM = {DIM}u;
const HEADS = {HEADS}u;        // query heads
const KV_HEADS = {KV_HEADS}u;
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
