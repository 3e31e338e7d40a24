// out[row, h] = sum over p <= position of softmax(q[row, h] . k[p]) v[p], online
//
//   out [rows, HEADS * DIM] f32, or with splits > 1 partials behind it:
//   [row, head, split][DIM + 2] f32: sum of e^(s - m) v, then m, then the sum of e^(s - m)
//
// One thread for each (row, part, split), or a quad of lanes, each of which has every fourth block of
// eight numbers of the heads, of the key and of the value, and which adds up what its lanes find of a
// score. No workgroup memory and no barrier, since either is ruinous on software adapters. SHARED query
// heads use each key and value that is loaded, and BLOCK positions share one rescaling.
// dispatch (ceil(rows * PARTS * splits * STRIDE / WORKGROUP), 1, 1)
{ENABLE}
// #part bindings
// #part heads
// #part common
const STRIDE = {STRIDE}u;    // lanes of a unit, and between the blocks that one has

@compute @workgroup_size({WORKGROUP})
fn main(
{UNIT_ARGUMENTS}
) {
  let unit = id.x;
  // #part unit

  // #part write?
  var query: array<vec4<f32>, {SHARED} * {FOURS}>;
  for (var i = 0u; i < SHARED * {FOURS}u; i++) {
    let head = part * SHARED + i / {FOURS}u;
    let four = i % {FOURS}u;
    let j = 4u * (four / 2u * STRIDE + {LANE}) + four % 2u * 2u;
    // #part query
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
    store4(at + ({f/2}u * STRIDE + {LANE}) * 8u + {f%2*4}u, a{h}_{f} * factor);
    // #end
  }
  // #end
}

fn store4(at: u32, v: vec4<f32>) {
  out[at] = v.x;
  out[at + 1u] = v.y;
  out[at + 2u] = v.z;
  out[at + 3u] = v.w;
}
