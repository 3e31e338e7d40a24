// out[t, r] = sum over c of W[r, c] * x[t, c]: a workgroup for {ROWS} rows and {TOKENS}
// tokens, its threads taking every {WG}th block of 32 columns. Partial sums meet in
// workgroup memory, after a sum over each subgroup where there are subgroups.
//
//   dispatch (ceil(rows / {ROWS}) folded to x and z, ceil(tokens / {TOKENS}), .)
{ENABLE}
// #part bindings

// [value][slot]; values are {ROWS} x {TOKENS} products, then {TOKENS} sums of squares.
var<workgroup> partial: array<f32, {VALUES} * {SLOTS}>;

fn total(value: u32, slots: u32) -> f32 {
  var sum = 0.0;
  for (var slot = 0u; slot < slots; slot++) {
    sum += partial[value * {SLOTS}u + slot];
  }
  return sum;
}

@compute @workgroup_size({WG})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
{LANE_ARGUMENT}
) {
  let row = (group.x + group.z * {FOLD}u) * {ROWS}u;
  let token = group.y * {TOKENS}u;
// #part setup
  for (var block = local; block < shape.blocks; block += {WG}u) {
// #part block
  }
// #part reduce
  workgroupBarrier();
  let pair = local % {PAIRS}u;
  let t = local / {PAIRS}u;
  if (t < {TOKENS}u && token + t < batch.tokens && row + pair * 2u < shape.rows) {
// #part split-factor
    let value = pair * 2u * {TOKENS}u + t;
    store_pair(token + t, shape.row_base + row + pair * 2u, total(value, slots) * factor, total(value + {TOKENS}u, slots) * factor);
  }
}

