// As quantize-threads.wgsl, with a workgroup for each token that sums the squares together.
//
//   dispatch (tokens, 1, 1)

// #part bindings

var<workgroup> partial: array<f32, {WG}>;

@compute @workgroup_size({WG})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
) {
  let row = group.x * shape.blocks * 8u;
// #part group-factor
  for (var block = local; block < shape.blocks; block += {WG}u) {
    let index = group.x * shape.blocks + block;
    let at = row + block * 8u;
// #part block
  }
}
