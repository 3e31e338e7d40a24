// out[row, h] = sum over p <= position of softmax(q[row, h] . k[p]) v[p], online
//
//   out and partials as in attention-threads.wgsl
//
// For GPUs: one workgroup for each (row, part, split). A tile of WORKGROUP
// positions at a time: thread t scores position t for all heads, then owns
// elements t, t + WORKGROUP, ... of the result.
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
const SCALE = f32({SCALE});
const PARTS = {PARTS}u;
const SHARED = {SHARED}u;
const GROUP = HEADS / KV_HEADS;
const WORKGROUP = {WORKGROUP}u;
const PARTIAL_BASE = {PARTIAL_BASE}u;
const LOWEST = -1e30;

var<workgroup> query: array<vec4<f32>, {QUADS}>;          // [SHARED, DIM / 4]
var<workgroup> scores: array<f32, {SCORES}>;          // [SHARED, WORKGROUP]

fn load_query(row: u32, part: u32, position: u32, t: u32) {
  for (var i = t; i < SHARED * DIM / 4u; i += WORKGROUP) {
    let head = part * SHARED + i / (DIM / 4u);
    // #part query
  }
}

@compute @workgroup_size({WORKGROUP})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
  let split = group.x % step.splits;
  let part = group.x / step.splits % PARTS;
  let row = group.x / step.splits / PARTS;
  let sequence = step.row[row].x;
  let position = step.row[row].y;
  let kv_head = part * SHARED / GROUP;
  let begin = min(split * step.split_positions, position + 1u);
  let end = min(begin + step.split_positions, position + 1u);
  load_query(row, part, position, t);
  // #part write
  storageBarrier();
  workgroupBarrier();

  // #each h < SHARED
  var m{h} = LOWEST;
  var l{h} = 0.0;
  // #each e < OWNED
  var a{h}_{e} = 0.0;
  // #end
  // #end
  // #each s < SEGMENTS
  {
    let length = STARTS[{s+1}] - STARTS[{s}];
    let plane = (sequence * KV_HEADS + kv_head) * 2u * length;
    let last = min(end, STARTS[{s+1}]);
    for (var tile = max(begin, STARTS[{s}]); tile < last; tile += WORKGROUP) {
      let count = min(WORKGROUP, last - tile);
      if (t < count) {
        let at = (plane + tile + t - STARTS[{s}]) * (DIM / 8u);
        // #each h < SHARED
        var s{h} = 0.0;
        // #end
        for (var o = 0u; o < DIM / 8u; o++) {
          let words = cache{s}[at + o];
          let low = vec4(unpack2x16float(words.x), unpack2x16float(words.y));
          let high = vec4(unpack2x16float(words.z), unpack2x16float(words.w));
          // #each h < SHARED
          s{h} += dot(query[{h}u * (DIM / 4u) + 2u * o], low) + dot(query[{h}u * (DIM / 4u) + 2u * o + 1u], high);
          // #end
        }
        // #each h < SHARED
        scores[{h}u * WORKGROUP + t] = s{h};
        // #end
      }
      workgroupBarrier();
      // #each h < SHARED
      {
        var n = m{h};
        for (var i = 0u; i < count; i++) {
          n = max(n, scores[{h}u * WORKGROUP + i]);
        }
        let c = exp(m{h} - n);
        m{h} = n;
        l{h} *= c;
        // #each e < OWNED
        a{h}_{e} *= c;
        // #end
      }
      // #end
      for (var i = 0u; i < count; i++) {
        let at = (plane + length + tile + i - STARTS[{s}]) * (DIM / 8u);
        // #each e < OWNED
        let element{e} = min(t + {e}u * WORKGROUP, DIM - 1u);
        let pair{e} = unpack2x16float(cache{s}[at + element{e} / 8u][element{e} / 2u % 4u]);
        let v{e} = select(pair{e}.x, pair{e}.y, (element{e} & 1u) == 1u);
        // #end
        // #each h < SHARED
        {
          let e = exp(scores[{h}u * WORKGROUP + i] - m{h});
          l{h} += e;
          // #each e < OWNED
          a{h}_{e} += e * v{e};
          // #end
        }
        // #end
      }
      workgroupBarrier();
    }
  }
  // #end

  // #each h < SHARED
  // #each e < OWNED
  if (t + {e}u * WORKGROUP < DIM) {
    let element = t + {e}u * WORKGROUP;
    let head = part * SHARED + {h}u;
    if (step.splits == 1u) {
      out[(row * HEADS + head) * DIM + element] = a{h}_{e} / l{h};
    } else {
      out[PARTIAL_BASE + ((row * HEADS + head) * step.splits + split) * (DIM + 2u) + element] = a{h}_{e};
    }
  }
  // #end
  if (t == 0u && step.splits > 1u) {
    let at = PARTIAL_BASE + ((row * HEADS + part * SHARED + {h}u) * step.splits + split) * (DIM + 2u);
    out[at + DIM] = m{h};
    out[at + DIM + 1u] = l{h};
  }
  // #end
}
