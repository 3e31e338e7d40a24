// out[i] = sum of four chains of x = x * a + b, shape.rounds times
//
//   out [threads] NUMBER; the chains are vec4, so a round is 4 * 4 multiply-adds; shape.rounds
//   is a multiple of 8
//   64 threads a workgroup: dispatch (threads / 64, 1, 1)
//
// NUMBER stands for f32 or f16, ENABLE for "enable f16;" or nothing.

ENABLE

struct Shape { rounds: u32 }

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read_write> out: array<NUMBER>;

// Rounds at once: a software adapter spends ten instructions on each value that a loop carries,
// and with one round a loop that was two thirds of the time.
fn eight(start: vec4<NUMBER>, a: vec4<NUMBER>, b: vec4<NUMBER>) -> vec4<NUMBER> {
  var x = start;
  x = fma(x, a, b);
  x = fma(x, a, b);
  x = fma(x, a, b);
  x = fma(x, a, b);
  x = fma(x, a, b);
  x = fma(x, a, b);
  x = fma(x, a, b);
  x = fma(x, a, b);
  return x;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  // Different in each lane and chain, so that no compiler folds them; they stay near 1.
  let a = vec4<NUMBER>(NUMBER(0.5) + NUMBER(id.x & 7u) * NUMBER(0.03125));
  let b = vec4<NUMBER>(NUMBER(0.5));
  var p = a;
  var q = a + b;
  var r = b;
  var s = b + b;
  for (var i = 0u; i < shape.rounds; i += 8u) {
    p = eight(p, a, b);
    q = eight(q, a, b);
    r = eight(r, a, b);
    s = eight(s, a, b);
  }
  out[id.x] = dot(p, q) + dot(r, s);
}
