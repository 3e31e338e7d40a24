// out[row, h] = sum over p <= position of softmax(q[row, h] . k[p]) v[p], online
//
//   out [rows, HEADS * DIM] f32, or with splits > 1 partials behind it:
//   [row, head, split][DIM + 2] f32: sum of e^(s - m) v, then m, then the sum of e^(s - m)
//
// One thread (or LANES threads, merged by subgroup operations) for each
// (row, part, split): no workgroup memory and no barrier, since either is ruinous
// on software adapters. SHARED query heads use each key and value that is loaded,
// and BLOCK positions share one rescaling.
// dispatch (ceil(rows * PARTS * splits * LANES / WORKGROUP), 1, 1)

// #part enable
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
const SCALE = f32({SCALE});
const PARTS = {PARTS}u;          // threads that share the query heads of a row
const SHARED = {SHARED}u;        // query heads of a part
const GROUP = HEADS / KV_HEADS;
const LANES = {LANES}u;
const PARTIAL_BASE = {PARTIAL_BASE}u;
const LOWEST = -1e30;

// Of the cache's numbers as `unpacked` gives them. Queries and weights are scaled by it before they
// meet: sums as small would be denormal, which CPUs add a hundred times slower.
const UNIT = {UNIT};

fn unpacked(low: u32, high: u32) -> vec4<f32> {
  // #part unpack
}

@compute @workgroup_size({WORKGROUP})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  // Not from the global id: with subgroup operations the row must be uniform in the workgroup.
  // #part unit
  let split = unit % step.splits;
  let part = unit / step.splits % PARTS;
  let row = unit / step.splits / PARTS;
  if (row >= step.rows) {
    return;
  }
  let sequence = step.row[row].x;
  let position = step.row[row].y;
  let kv_head = part * SHARED / GROUP;
  let split_begin = min(split * step.split_positions, position + 1u);
  let split_end = min(split_begin + step.split_positions, position + 1u);
  let lane_positions = (split_end - split_begin + LANES - 1u) / LANES;
  let begin = min(split_begin + lane * lane_positions, split_end);
  let end = min(begin + lane_positions, split_end);

  // #part write
  var query: array<vec4<f32>, {QUADS}>;    // [SHARED, DIM / 4]
  for (var i = 0u; i < {QUADS}u; i++) {
    let head = part * SHARED + i / (DIM / 4u);
    // #part query
  }
  // #each h < SHARED
  // #each o < OCTETS
  let q{h}_{o}l = UNIT * query[{h}u * (DIM / 4u) + {o*2}u];
  let q{h}_{o}h = UNIT * query[{h}u * (DIM / 4u) + {o*2}u + 1u];
  // #end
  // #end
  // #each h < SHARED
  var m{h} = LOWEST;
  var l{h} = 0.0;
  // #each o < OCTETS
  var a{h}_{o}l = vec4<f32>();
  var a{h}_{o}h = vec4<f32>();
  // #end
  // #end

  // #each s < SEGMENTS
  {
    let length = STARTS[{s+1}] - STARTS[{s}];
    let plane = (sequence * KV_HEADS + kv_head) * 2u * length;
    let last = min(end, STARTS[{s+1}]);
    for (var p = max(begin, STARTS[{s}]); p < last; p += {BLOCK}u) {
      // #each b < BLOCK
      let at{b} = (plane + min(p + {b}u, last - 1u) - STARTS[{s}]) * (DIM / 8u);
      // #each h < SHARED
      var s{h}_{b} = 0.0;
      // #end
      // #each o < OCTETS
      {
        let words = cache{s}[at{b} + {o}u];
        let low = unpacked(words.x, words.y);
        let high = unpacked(words.z, words.w);
        // #each h < SHARED
        s{h}_{b} += dot(q{h}_{o}l, low) + dot(q{h}_{o}h, high);
        // #end
      }
      // #end
      // #end
      // #each h < SHARED
      var n{h} = m{h};
      // #each b < BLOCK
      s{h}_{b} = select(LOWEST, s{h}_{b}, p + {b}u < last);
      n{h} = max(n{h}, s{h}_{b});
      // #end
      let c{h} = exp(m{h} - n{h});
      m{h} = n{h};
      l{h} *= c{h};
      // #each b < BLOCK
      let e{h}_{b} = exp(s{h}_{b} - n{h});
      l{h} += e{h}_{b};
      let w{h}_{b} = UNIT * e{h}_{b};
      // #end
      // #end
      let values = length * (DIM / 8u);
      // #each o < OCTETS
      {
        // #each b < BLOCK
        let words{b} = cache{s}[at{b} + values + {o}u];
        let low{b} = unpacked(words{b}.x, words{b}.y);
        let high{b} = unpacked(words{b}.z, words{b}.w);
        // #end
        // #each h < SHARED
        a{h}_{o}l = a{h}_{o}l * c{h}
        // #each b < BLOCK
          + w{h}_{b} * low{b}
        // #end
        ;
        a{h}_{o}h = a{h}_{o}h * c{h}
        // #each b < BLOCK
          + w{h}_{b} * high{b}
        // #end
        ;
        // #end
      }
      // #end
    }
  }
  // #end

  // #part merge
  // #each h < SHARED
  {
    let head = part * SHARED + {h}u;
    if (step.splits == 1u) {
      let at = (row * HEADS + head) * DIM;
      let inverse = 1.0 / l{h};
      // #each o < OCTETS
      store4(at + {o*8}u, a{h}_{o}l * inverse);
      store4(at + {o*8}u + 4u, a{h}_{o}h * inverse);
      // #end
    } else {
      let at = PARTIAL_BASE + ((row * HEADS + head) * step.splits + split) * (DIM + 2u);
      // #each o < OCTETS
      store4(at + {o*8}u, a{h}_{o}l);
      store4(at + {o*8}u + 4u, a{h}_{o}h);
      // #end
      out[at + DIM] = m{h};
      out[at + DIM + 1u] = l{h};
    }
  }
  // #end
}

fn store4(at: u32, v: vec4<f32>) {
  out[at] = v.x;
  out[at + 1u] = v.y;
  out[at + 2u] = v.z;
  out[at + 3u] = v.w;
}
