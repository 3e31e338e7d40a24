// out[i] = a sum of numbers unpacked from pairs of f16, with the builtin or with shifts
//
//   dispatch (groups, 1, 1), 16 threads each; out [groups * 16] f32

struct Params { steps: u32, words: u32, unused_a: u32, unused_b: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

fn unpacked(low: u32, high: u32) -> vec4<f32> {
  // #part unpack
}

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
  var sum = vec4<f32>();
  var low = params.words + thread.x;
  var high = params.words + 2u * thread.x;
  for (var i = 0u; i < params.steps; i++) {
    // #each k < 8
    sum += unpacked(low, high);
    low += {k}u;
    high += {k}u;
    // #end
  }
  out[thread.x] = dot(sum, vec4<f32>(1.0));
}
