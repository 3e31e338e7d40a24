// to[i] = from[i]
//
//   from, to [shape.length] vec4<u32>
//   256 threads per workgroup, one element each: dispatch (length / 256, 1, 1)

struct Shape { length: u32 }

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> source: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> target_: array<vec4<u32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < shape.length) {
    target_[id.x] = source[id.x];
  }
}
