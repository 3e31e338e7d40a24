// out[row, h] = sum over p <= position of softmax(q[row, h] . k[p]) v[p], online
//
//   out and partials as in attention-threads.wgsl
//
// For GPUs: one workgroup for each (row, part, split), of TEAMS teams of a thread for each block
// of eight numbers of a head. A team takes PASSES positions at a time. Its lanes load a key's or
// value's neighboring blocks; lane p adds up their parts of the p-th score and computes its weight
// for all of them. Each team has maxima of its own, and they are joined at the end.
// dispatch (rows * PARTS * splits, 1, 1)

// #part step
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
@group(0) @binding(2) var<storage, read> table: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> extras: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
// #each s < SEGMENTS
@group(0) @binding({s+5}) var<storage, read_write> cache{s}: array<vec4<u32>>;
// #end

// #part rope-pair
// #part kv-write
// #part common

const LANES = DIM / 8u;
const TEAMS = {TEAMS}u;
const PASSES = {PASSES}u;
const WORKGROUP = TEAMS * LANES;

var<workgroup> query: array<vec4<f32>, {QUADS}>;      // [SHARED, DIM / 4]
var<workgroup> shares: array<f32, {SHARES}>;      // [TEAMS, PASSES, SHARED, LANES + 1]: odd, against bank conflicts
var<workgroup> scores: array<f32, {SCORES}>;      // [TEAMS, PASSES, SHARED]
var<workgroup> weights: array<f32, {SCORES}>;      // [TEAMS, PASSES, SHARED]

fn load_query(row: u32, part: u32, position: u32, t: u32) {
  for (var i = t; i < SHARED * DIM / 4u; i += WORKGROUP) {
    let head = part * SHARED + i / (DIM / 4u);
    // #part query
  }
}

@compute @workgroup_size({WORKGROUP})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
  let lane = t % LANES;
  let team = t / LANES;
  let unit = group.x;
  // #part unit
  load_query(row, part, position, t);
  // #part write
  storageBarrier();
  workgroupBarrier();

  // #each h < SHARED
  let q{h}_0 = UNIT * query[{h}u * (DIM / 4u) + 2u * lane];
  let q{h}_1 = UNIT * query[{h}u * (DIM / 4u) + 2u * lane + 1u];
  // #end
  // #part accumulators
  let scored = (team * PASSES + lane) * SHARED;    // for lanes below PASSES
  // #each s < SEGMENTS
  {
    let length = STARTS[{s+1}] - STARTS[{s}];
    let plane = (sequence * KV_HEADS + kv_head) * 2u * length;
    let last = min(end, STARTS[{s+1}]);
    for (var tile = max(begin, STARTS[{s}]); tile < last; tile += TEAMS * PASSES) {
      for (var p = 0u; p < PASSES; p++) {
        let at = plane + min(tile + p * TEAMS + team, last - 1u) - STARTS[{s}];
        let words = cache{s}[at * LANES + lane];
        let low = unpacked(words.x, words.y);
        let high = unpacked(words.z, words.w);
        let to = (team * PASSES + p) * SHARED * (LANES + 1u) + lane;
        // #each h < SHARED
        shares[to + {h}u * (LANES + 1u)] = dot(q{h}_0, low) + dot(q{h}_1, high);
        // #end
      }
      workgroupBarrier();
      if (lane < PASSES) {
        let visible = tile + lane * TEAMS + team < last;
        // #each h < SHARED
        {
          var sum = 0.0;
          for (var i = 0u; i < LANES; i++) {
            sum += shares[(scored + {h}u) * (LANES + 1u) + i];
          }
          scores[scored + {h}u] = select(LOWEST, sum, visible);
        }
        // #end
      }
      workgroupBarrier();
      // #each h < SHARED
      {
        var most = m{h};
        for (var p = 0u; p < PASSES; p++) {
          most = max(most, scores[(team * PASSES + p) * SHARED + {h}u]);
        }
        let c = exp(m{h} - most);
        m{h} = most;
        l{h} *= c;
        a{h}_0 *= c;
        a{h}_1 *= c;
        if (lane < PASSES) {
          weights[scored + {h}u] = exp(scores[scored + {h}u] - most);
        }
      }
      // #end
      workgroupBarrier();
      for (var p = 0u; p < PASSES; p++) {
        let at = plane + length + min(tile + p * TEAMS + team, last - 1u) - STARTS[{s}];
        let words = cache{s}[at * LANES + lane];
        let low = unpacked(words.x, words.y);
        let high = unpacked(words.z, words.w);
        // #each h < SHARED
        let e{h} = weights[(team * PASSES + p) * SHARED + {h}u];
        l{h} += e{h};
        let w{h} = UNIT * e{h};
        a{h}_0 += w{h} * low;
        a{h}_1 += w{h} * high;
        // #end
      }
    }
  }
  // #end

  // A team that saw no position has weights of 1, and joins with none.
  // #each h < SHARED
  {
    if (lane == 0u) {
      scores[team] = m{h};
    }
    workgroupBarrier();
    var most = LOWEST;
    for (var i = 0u; i < TEAMS; i++) {
      most = max(most, scores[i]);
    }
    let factor = exp(m{h} - most);
    let low = factor * a{h}_0;
    let high = factor * a{h}_1;
    for (var i = 0u; i < 4u; i++) {
      shares[t * 8u + i] = low[i];
      shares[t * 8u + 4u + i] = high[i];
    }
    if (lane == 0u) {
      weights[team] = factor * l{h};
    }
    workgroupBarrier();
    var total = 0.0;
    for (var i = 0u; i < TEAMS; i++) {
      total += weights[i];
    }
    let head = part * SHARED + {h}u;
    var at = (row * HEADS + head) * DIM;
    var inverse = 1.0 / total;
    if (step.splits > 1u) {
      at = PARTIAL_BASE + ((row * HEADS + head) * step.splits + split) * (DIM + 2u);
      inverse = 1.0;
      if (t == 0u) {
        out[at + DIM] = most;
        out[at + DIM + 1u] = total;
      }
    }
    for (var e = t; e < DIM; e += WORKGROUP) {
      var sum = 0.0;
      for (var i = 0u; i < TEAMS; i++) {
        sum += shares[i * DIM + e];
      }
      out[at + e] = sum * inverse;
    }
    workgroupBarrier();
  }
  // #end
}
