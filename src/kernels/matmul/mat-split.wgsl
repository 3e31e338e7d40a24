// out[t, r] = sum over c of W[r, c] * x[t, c]: a workgroup for {ROWS} rows and {TOKENS}
// tokens, its threads taking every {WG}th block of 32 columns. Partial sums meet in
// workgroup memory: for devices without subgroups.
//
//   dispatch (ceil(rows / {ROWS}) folded to x and z, ceil(tokens / {TOKENS}), .)
// #part bindings

// [row][token][thread]
var<workgroup> partial: array<f32, {ROWS} * {TOKENS} * {WG}>;

fn total(value: u32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < {WG}u; i++) {
    sum += partial[value * {WG}u + i];
  }
  return sum;
}

@compute @workgroup_size({WG})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
) {
  let row = (group.x + group.z * {FOLD}u) * {ROWS}u;
  let token = group.y * {TOKENS}u;
// #part setup
  for (var block = local; block < shape.blocks; block += {WG}u) {
// #part block
  }
// #each r < ROWS
// #each t < TOKENS
  partial[({r}u * {TOKENS}u + {t}u) * {WG}u + local] = acc_{r}_{t};
// #end
// #end
  workgroupBarrier();
  let pair = local % {PAIRS}u;
  let t = local / {PAIRS}u;
  if (t < {TOKENS}u && token + t < batch.tokens && row + pair * 2u < shape.rows) {
    let value = pair * 2u * {TOKENS}u + t;
    store_pair(token + t, shape.row_base + row + pair * 2u, total(value), total(value + {TOKENS}u));
  }
}
