// out[i] = i after `steps` rounds of x = fma(x, a, b): how the time grows with the number of
// workgroups
//
//   dispatch (groups, 1, 1), 64 threads each; out [groups * 64] f32

struct Params { steps: u32, a: f32, b: f32, unused: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
  var x = f32(thread.x);
  for (var i = 0u; i < params.steps; i++) {
    x = fma(x, params.a, params.b);
    x = fma(x, params.a, params.b);
  }
  out[thread.x] = x;
}
