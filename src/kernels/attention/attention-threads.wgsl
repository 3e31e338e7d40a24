// out[row, h] = sum over p <= position of softmax(q[row, h] . k[p]) v[p], online
//
//   out [rows, HEADS * DIM] f32, or with splits > 1 partials behind it:
//   [row, head, split][DIM + 2] f32: sum of e^(s - m) v, then m, then the sum of e^(s - m)
//
// One thread for each (row, part, split): no workgroup memory and no barrier, since
// either is ruinous on software adapters. SHARED query heads use each key and value
// that is loaded, and BLOCK positions share one rescaling.
// dispatch (ceil(rows * PARTS * splits / WORKGROUP), 1, 1)

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

@compute @workgroup_size({WORKGROUP})
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
  let unit = thread.x;
  // #part unit

  // #part write
  var query: array<vec4<f32>, {QUADS}>;    // [SHARED, DIM / 4]
  for (var i = 0u; i < {QUADS}u; i++) {
    let head = part * SHARED + i / (DIM / 4u);
    // #part query
  }
  // #each h < SHARED
  // #each f < FOURS
  let q{h}_{f} = UNIT * query[{h}u * (DIM / 4u) + {f}u];
  // #end
  // #end
  // #part accumulators
  let own_end = end;
  // #part positions

  // #each h < SHARED
  {
    let head = part * SHARED + {h}u;
    if (step.splits == 1u) {
      let at = (row * HEADS + head) * DIM;
      let inverse = 1.0 / l{h};
      // #each f < FOURS
      store4(at + {f*4}u, a{h}_{f} * inverse);
      // #end
    } else {
      let at = PARTIAL_BASE + ((row * HEADS + head) * step.splits + split) * (DIM + 2u);
      // #each f < FOURS
      store4(at + {f*4}u, a{h}_{f});
      // #end
      out[at + DIM] = m{h};
      out[at + DIM + 1u] = l{h};
    }
  }
  // #end
}

// #part store4
