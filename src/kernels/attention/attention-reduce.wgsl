// out[row, h] = sum over splits of e^(m_s - m) partial_s / sum over splits of e^(m_s - m) l_s
//
//   out [rows, HEADS * DIM] f32, partials behind it: [row, head, split][DIM + 2] f32
//   one workgroup for each (row, head): dispatch (rows * HEADS, 1, 1). Its TEAMS of DIM threads
//   take every TEAMS-th split, AT_ONCE at a time, since each load waits for memory. At most
//   MAX_SPLITS splits.

// #part step
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

const DIM = {DIM}u;
const TEAMS = {TEAMS}u;
const AT_ONCE = {AT_ONCE}u;
const WORKGROUP = TEAMS * DIM;
const PARTIAL_BASE = {PARTIAL_BASE}u;
const MAX_SPLITS = {MAX_SPLITS}u;
const LOWEST = -1e30;

var<workgroup> maxima: array<f32, MAX_SPLITS>;
var<workgroup> weights: array<f32, MAX_SPLITS>;
var<workgroup> totals: array<f32, MAX_SPLITS>;
var<workgroup> sums: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
  let base = PARTIAL_BASE + group.x * step.splits * (DIM + 2u);
  for (var s = t; s < MAX_SPLITS; s += WORKGROUP) {
    let last = base + min(s, step.splits - 1u) * (DIM + 2u) + DIM;
    maxima[s] = select(LOWEST, out[last], s < step.splits);
    totals[s] = out[last + 1u];
  }
  workgroupBarrier();
  var most = LOWEST;
  for (var s = 0u; s < step.splits; s++) {
    most = max(most, maxima[s]);
  }
  for (var s = t; s < MAX_SPLITS; s += WORKGROUP) {
    weights[s] = select(0.0, exp(maxima[s] - most), s < step.splits);
    totals[s] *= weights[s];
  }
  workgroupBarrier();
  let e = t % DIM;
  var sum = 0.0;
  for (var first = t / DIM; first < step.splits; first += TEAMS * AT_ONCE) {
    // #each i < AT_ONCE
    let s{i} = min(first + {i}u * TEAMS, MAX_SPLITS - 1u);
    let a{i} = out[base + min(s{i}, step.splits - 1u) * (DIM + 2u) + e];
    // #end
    // #each i < AT_ONCE
    sum += select(0.0, weights[s{i}], first + {i}u * TEAMS < step.splits) * a{i};
    // #end
  }
  sums[t] = sum;
  workgroupBarrier();
  if (t < DIM) {
    var total = 0.0;
    for (var s = 0u; s < step.splits; s++) {
      total += totals[s];
    }
    for (var i = 1u; i < TEAMS; i++) {
      sum += sums[i * DIM + t];
    }
    out[group.x * DIM + t] = sum / total;
  }
}
