// out[row, h] = sum over splits of e^(m_s - m) partial_s / sum over splits of e^(m_s - m) l_s
//
//   out [rows, HEADS * DIM] f32, partials behind it: [row, head, split][DIM + 2] f32
//   one workgroup for each (row, head), at most THREADS splits: dispatch (rows * HEADS, 1, 1)

// #part step
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

const DIM = {DIM}u;
const PARTIAL_BASE = {PARTIAL_BASE}u;
const THREADS = 64u;
const LOWEST = -1e30;

var<workgroup> maxima: array<f32, THREADS>;
var<workgroup> weights: array<f32, THREADS>;
var<workgroup> totals: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
  let base = PARTIAL_BASE + group.x * step.splits * (DIM + 2u);
  let isSplit = t < step.splits;
  let last = base + min(t, step.splits - 1u) * (DIM + 2u) + DIM;
  maxima[t] = select(LOWEST, out[last], isSplit);
  workgroupBarrier();
  var most = LOWEST;
  for (var s = 0u; s < step.splits; s++) {
    most = max(most, maxima[s]);
  }
  let weight = select(0.0, exp(maxima[t] - most), isSplit);
  weights[t] = weight;
  totals[t] = weight * out[last + 1u];
  workgroupBarrier();
  var total = 0.0;
  for (var s = 0u; s < step.splits; s++) {
    total += totals[s];
  }
  // Four loads at a time: one would wait for the other's latency.
  for (var e = t; e < DIM; e += THREADS) {
    var sum = 0.0;
    for (var s = 0u; s < step.splits; s += 4u) {
      // #each i < FOUR
      let a{i} = out[base + min(s + {i}u, step.splits - 1u) * (DIM + 2u) + e];
      // #end
      // #each i < FOUR
      sum += weights[s + {i}u] * a{i};
      // #end
    }
    out[group.x * DIM + e] = sum / total;
  }
}
