// out[t, r] = sum over c of W[r, c] * x[t, c]: a workgroup for a tile of {SIZE} rows and {SIZE}
// tokens. {THREADS} threads keep 4 x 4 results each in registers, of all columns or, where tiles are too
// few for all cores, of one of {SLICES} slices. Slices take turns at the blocks of 32 columns, {BLOCKS}
// at a time, and add up their results at the end, always in the same order.
//
// Blocks lie in workgroup memory as floats, or as words of four int8 with their scales. In int8 the
// next ones are read from the weights and activations while these are multiplied.
//
//   dispatch (ceil(rows / {SIZE}), ceil(tokens / {SIZE}), 1)
// #part bindings

// Only the slice and the place are unknown to the compiler, so that all accesses share one address.
// [slice][vector of the blocks][which of a thread's four rows or tokens][place]
var<workgroup> w_tile: array<array<array<array<{VECTOR}, {QUARTER}>, 4>, {BLOCKS} * {DEPTH}>, {SLICES}>;
var<workgroup> x_tile: array<array<array<array<{VECTOR}, {QUARTER}>, 4>, {BLOCKS} * {DEPTH}>, {SLICES}>;
// #part tile-scales?

@compute @workgroup_size({WG})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
) {
  let row = group.x * {SIZE}u;
  let token = group.y * {SIZE}u;
  let slice = local / {THREADS}u;
  let thread = local % {THREADS}u;
  // What the thread loads: nothing, or a block of one row or token.
  let mine = thread % {SIZE}u;
  let slot = thread / {SIZE}u;
  let own_block = slot % {BLOCKS}u;
  let row_0 = min(row + mine, shape.rows - 1u);
  let meta_0 = row_0 * shape.meta_words;
  let own_token = min(token + mine, batch.tokens - 1u);
  // What it computes: a pair of rows in each half of the tile, and every fourth part's token. Pairs of
  // neighboring threads are neighbors, and so are the vectors that they read at once.
  let column = thread % {QUARTER}u;
  let line = thread / {QUARTER}u;
  let w_which = mine % 2u + mine / {HALF}u * 2u;
  let w_place = mine / 2u % {QUARTER}u;
  let x_which = mine / {QUARTER}u;
  let x_place = mine % {QUARTER}u;
// #each i < 4
// #each t < 4
  var acc_{i}_{t} = 0.0;
// #end
// #end
// #part tile-keep?
  let first = slice * {BLOCKS}u + own_block;
  var block = min(first, shape.blocks - 1u);
// #part tile-fetch?
  for (var start = 0u; start < shape.blocks; start += {STEP}u) {
    if (slot < {BLOCKS}u) {
      let at_0 = (row_0 * shape.blocks + block) * {VECTORS}u;
// #part tile-decode
// #part tile-w
    } else if (slot < 2u * {BLOCKS}u) {
      let known = start + first < shape.blocks;
// #part tile-x
    }
    workgroupBarrier();
    block = min(start + {STEP}u + first, shape.blocks - 1u);
// #part tile-fetch?
// #part tile-product
    workgroupBarrier();
  }
// #part tile-results
}
