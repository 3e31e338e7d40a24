// out[row, h] = sum over p <= position of softmax(q[row, h] . k[p]) v[p], online
//
//   out and partials as in attention-threads.wgsl
//
// For GPUs: one workgroup for each (row, part, split), of TEAMS teams of a thread for each block
// of eight numbers of a head. A team takes every TEAMS-th position, BLOCK of them at a time: its
// lanes load neighboring blocks of keys and values, and add up their parts of the scores. Each
// team has maxima of its own, and they are joined at the end.
// dispatch (rows * PARTS * splits, 1, 1)
{ENABLE}
// #part bindings

// #part heads
// #part common

const LANES = DIM / 8u;
const TEAMS = {TEAMS}u;
const WORKGROUP = TEAMS * LANES;

var<workgroup> query: array<vec4<f32>, {QUADS}>;      // [SHARED, DIM / 4]
var<workgroup> shares: array<f32, {SHARES}>;      // [BLOCK, SHARED, WORKGROUP] of scores, then [TEAMS, DIM]
var<workgroup> maxima: array<f32, TEAMS>;
var<workgroup> totals: array<f32, TEAMS>;
var<workgroup> weights: array<f32, TEAMS>; // of the teams' sums in the head's

@compute @workgroup_size({WORKGROUP})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
  let lane = t % LANES;
  let team = t / LANES;
  let unit = group.x;
  // #part unit
  for (var i = t; i < SHARED * DIM / 4u; i += WORKGROUP) {
    let head = part * SHARED + i / (DIM / 4u);
    let j = i % (DIM / 4u) * 2u;
    // #part query
  }
  // #part write?
  storageBarrier();
  workgroupBarrier();

  // #each h < SHARED
  let q{h}_0 = UNIT * query[{h}u * (DIM / 4u) + 2u * lane];
  let q{h}_1 = UNIT * query[{h}u * (DIM / 4u) + 2u * lane + 1u];
  // #end
  // #part accumulators
  // #each s < SEGMENTS
  {
    let length = STARTS[{s+1}] - STARTS[{s}];
    let plane = (sequence * KV_HEADS + kv_head) * 2u * length;
    let last = min(end, STARTS[{s+1}]);
    for (var tile = max(begin, STARTS[{s}]); tile < last; tile += BLOCK * TEAMS) {
      // #each b < BLOCK
      let p{b} = tile + {b}u * TEAMS + team;
      let at{b} = (plane + min(p{b}, last - 1u) - STARTS[{s}]) * LANES + lane;
      let k{b} = cache{s}[at{b}];
      let v{b} = cache{s}[at{b} + length * LANES];
      let v{b}_0 = unpacked(v{b}.x, v{b}.y);
      let v{b}_1 = unpacked(v{b}.z, v{b}.w);
      // #each h < SHARED
      var s{h}_{b} = dot(q{h}_0, unpacked(k{b}.x, k{b}.y)) + dot(q{h}_1, unpacked(k{b}.z, k{b}.w));
      // #end
      // #end
      // #part total
      // #each h < SHARED
      {
        var most = m{h};
        // #each b < BLOCK
        most = max(most, select(LOWEST, s{h}_{b}, p{b} < last));
        // #end
        let c = exp(m{h} - most);
        m{h} = most;
        l{h} *= c;
        a{h}_0 *= c;
        a{h}_1 *= c;
        // #each b < BLOCK
        let e{b} = select(0.0, exp(s{h}_{b} - most), p{b} < last);
        l{h} += e{b};
        a{h}_0 += UNIT * e{b} * v{b}_0;
        a{h}_1 += UNIT * e{b} * v{b}_1;
        // #end
      }
      // #end
    }
  }
  // #end

  // #each h < SHARED
  {
    workgroupBarrier();
    if (lane == 0u) {
      maxima[team] = m{h};
      totals[team] = l{h};
    }
    for (var i = 0u; i < 4u; i++) {
      shares[t * 8u + i] = a{h}_0[i];
      shares[t * 8u + 4u + i] = a{h}_1[i];
    }
    workgroupBarrier();
    var most = LOWEST;
    for (var i = 0u; i < TEAMS; i++) {
      most = max(most, maxima[i]);
    }
    if (t < TEAMS) {
      weights[t] = exp(maxima[t] - most);
      totals[t] *= weights[t];
    }
    workgroupBarrier();
    let head = part * SHARED + {h}u;
    for (var e = t; e < DIM; e += WORKGROUP) {
      var total = 0.0;
      var sum = 0.0;
      for (var i = 0u; i < TEAMS; i++) {
        total += totals[i];
        sum += weights[i] * shares[i * DIM + e];
      }
      if (step.splits == 1u) {
        out[(row * HEADS + head) * DIM + e] = sum / total;
        continue;
      }
      let at = PARTIAL_BASE + ((row * HEADS + head) * step.splits + split) * (DIM + 2u);
      out[at + e] = sum;
      if (e == 0u) {
        out[at + DIM] = most;
        out[at + DIM + 1u] = total;
      }
    }
  }
  // #end
}
