// out[row, h] = sum over splits of e^(m_s - m) partial_s / sum over splits of e^(m_s - m) l_s
//
//   out [rows, HEADS * DIM] f32, partials behind it: [row, head, split][DIM + 2] f32
//   one thread for each (row, head, element): dispatch (ceil(rows * HEADS * DIM / 64), 1, 1)

// #part step
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

const HEADS = {HEADS}u;
const DIM = {DIM}u;
const PARTIAL_BASE = {PARTIAL_BASE}u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= step.rows * HEADS * DIM) {
    return;
  }
  let base = PARTIAL_BASE + id.x / DIM * step.splits * (DIM + 2u);
  let element = id.x % DIM;
  var m = -1e30;
  for (var s = 0u; s < step.splits; s++) {
    m = max(m, out[base + s * (DIM + 2u) + DIM]);
  }
  var sum = 0.0;
  var weight = 0.0;
  for (var s = 0u; s < step.splits; s++) {
    let at = base + s * (DIM + 2u);
    let e = exp(out[at + DIM] - m);
    sum += e * out[at + element];
    weight += e * out[at + DIM + 1u];
  }
  out[id.x] = sum / weight;
}
