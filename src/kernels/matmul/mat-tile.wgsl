// out[t, r] = sum over c of W[r, c] * x[t, c]: a workgroup for a tile of {SIZE} rows and {SIZE}
// tokens, of which a thread keeps 4 x 4 results in registers. {BLOCKS} blocks of 32 columns at a
// time lie in workgroup memory: as floats, or as words of four int8 with their scales.
//
//   dispatch (ceil(rows / {SIZE}), ceil(tokens / {SIZE}), 1)
// #part bindings

// [block][vector of a block][place]. A token's place is its number; rows are ordered even, odd, so
// that neighboring threads, which have neighboring pairs of rows, read neighboring vectors.
var<workgroup> w_tile: array<{VECTOR}, {BLOCKS} * {DEPTH} * {SIZE}>;
var<workgroup> x_tile: array<{VECTOR}, {BLOCKS} * {DEPTH} * {SIZE}>;
// #part tile-scales

const HALF = {SIZE}u / 2u;
const QUARTER = {SIZE}u / 4u;

@compute @workgroup_size({WG})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
) {
  let row = group.x * {SIZE}u;
  let token = group.y * {SIZE}u;
  // What the thread loads: nothing, or a block of one row or token.
  let mine = local % {SIZE}u;
  let slot = local / {SIZE}u;
  let own_block = slot % {BLOCKS}u;
  let place = mine % 2u * HALF + mine / 2u;
  let row_0 = min(row + mine, shape.rows - 1u);
  let meta_0 = row_0 * shape.meta_words;
  let own_token = min(token + mine, batch.tokens - 1u);
  // What it computes: rows 2 column + {0, 1} of each half, and every QUARTER-th token from `line`.
  let column = local % QUARTER;
  let line = local / QUARTER;
// #each i < 4
  let w_{i} = {i%2}u * HALF + {i/2}u * QUARTER + column;
// #each t < 4
  var acc_{i}_{t} = 0.0;
// #end
// #end
  for (var first = 0u; first < shape.blocks; first += {BLOCKS}u) {
    let block = min(first + own_block, shape.blocks - 1u);
    if (slot < {BLOCKS}u) {
      let at_0 = (row_0 * shape.blocks + block) * {VECTORS}u;
// #each r < 1
// #part load
// #part tile-w
// #end
    } else if (slot < 2u * {BLOCKS}u) {
// #part tile-x
    }
    workgroupBarrier();
// #part tile-product
    workgroupBarrier();
  }
// #each t < 4
  if (token + line + {t}u * QUARTER < batch.tokens) {
// #each p < 2
    if (row + {p}u * HALF + column * 2u < shape.rows) {
      store_pair(token + line + {t}u * QUARTER, shape.row_base + row + {p}u * HALF + column * 2u, acc_{p*2}_{t}, acc_{p*2+1}_{t});
    }
// #end
  }
// #end
}
