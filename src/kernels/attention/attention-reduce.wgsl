// out[row, h] = sum over splits of e^(m_s - m) partial_s / sum over splits of e^(m_s - m) l_s
//
//   out [rows, HEADS * DIM] f32, partials behind it: [row, head, split][DIM + 2] f32
//   one workgroup for each (row, head): dispatch (rows * HEADS, 1, 1). Its TEAMS of DIM threads
//   take every TEAMS-th split, AT_ONCE at a time, since each load waits for memory. A single team,
//   on software adapters, needs no barrier.

// #part step
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

const DIM = {DIM}u;
const TEAMS = {TEAMS}u;
const WORKGROUP = TEAMS * DIM;
const PARTIAL_BASE = {PARTIAL_BASE}u;

struct Sums { most: f32, numbers: f32, total: f32 }
var<workgroup> teams: array<Sums, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
  let base = PARTIAL_BASE + group.x * step.splits * (DIM + 2u);
  var own = Sums(-1e30, 0.0, 0.0);
  for (var first = t / DIM; first < step.splits; first += TEAMS * {AT_ONCE}u) {
    // #each i < AT_ONCE
    let at_{i} = base + min(first + {i}u * TEAMS, step.splits - 1u) * (DIM + 2u);
    let is_new_{i} = first + {i}u * TEAMS < step.splits;
    let part_{i} = Sums(select(-1e30, out[at_{i} + DIM], is_new_{i}), out[at_{i} + t % DIM], out[at_{i} + DIM + 1u]);
    // #end
    // #each i < AT_ONCE
    own = joined(own, part_{i});
    // #end
  }
  if (TEAMS > 1u) {
    teams[t] = own;
    workgroupBarrier();
    for (var other = t + DIM; other < WORKGROUP; other += DIM) {
      own = joined(own, teams[other]);
    }
  }
  if (t < DIM) {
    out[group.x * DIM + t] = own.numbers / own.total;
  }
}

fn joined(a: Sums, b: Sums) -> Sums {
  let most = max(a.most, b.most);
  let weights = exp(vec2(a.most, b.most) - most);
  return Sums(most, dot(weights, vec2(a.numbers, b.numbers)), dot(weights, vec2(a.total, b.total)));
}
