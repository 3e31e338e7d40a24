// out[row, h] = sum over p <= position of softmax(q[row, h] . k[p]) v[p], online
//
//   qkv [rows, QKV] f32 -> out [rows, HEADS * DIM] f32, or partials (attention-threads.wgsl)
//
// For rows of different sequences, one quad of lanes for each (row, part, split): each lane has
// every fourth block of eight numbers of the heads, of the key and of the value, and the quad
// adds up what its lanes find of a score. No workgroup memory and no barrier.
// dispatch (rows * PARTS * splits, 1, 1)

enable subgroups;

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

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(subgroup_invocation_id) lane_id: u32,
) {
  let lane = lane_id & 3u;
  let unit = group.x;
  // #part unit

  // Each lane reads of the newest position what it has just written.
  if (begin <= position && position < end) {
    for (var block = lane; block < DIM / 8u; block += 4u) {
      write_block(row, kv_head, sequence, position, block);
    }
  }
  var query: array<vec4<f32>, {SHARED} * {FOURS}>;
  for (var i = 0u; i < {SHARED}u * {FOURS}u; i++) {
    let head = part * SHARED + i / {FOURS}u;
    let four = i % {FOURS}u;
    let j = 4u * (four / 2u * 4u + lane) + four % 2u * 2u;
    let scale = head_scale(row, head);
    query[i] = SCALE * vec4(rotated(row, head, j, position, scale), rotated(row, head, j + 1u, position, scale));
  }
  // #each h < SHARED
  // #each f < FOURS
  let q{h}_{f} = UNIT * query[{h}u * {FOURS}u + {f}u];
  // #end
  // #end
  // #part accumulators
  let own_end = end;
  // #part positions

  // #each h < SHARED
  {
    let head = part * SHARED + {h}u;
    var at = (row * HEADS + head) * DIM;
    var factor = 1.0 / l{h};
    if (step.splits > 1u) {
      at = PARTIAL_BASE + ((row * HEADS + head) * step.splits + split) * (DIM + 2u);
      factor = 1.0;
      out[at + DIM] = m{h};
      out[at + DIM + 1u] = l{h};
    }
    // #each f < FOURS
    store4(at + ({f/2*4}u + lane) * 8u + {f%2*4}u, a{h}_{f} * factor);
    // #end
  }
  // #end
}

// #part store4
