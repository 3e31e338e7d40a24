// Nothing: what is left of a dispatch is its own cost.
//
//   one workgroup of one thread; the binding is there because every kernel has one

@group(0) @binding(0) var<uniform> shape: vec4<u32>;

@compute @workgroup_size(1)
fn main() {
  _ = shape.x;
}
