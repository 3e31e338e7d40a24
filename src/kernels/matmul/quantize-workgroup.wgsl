// As quantize-threads.wgsl with a norm, by a workgroup for each token that sums the squares together.
// A thread loads all of its {TURNS} units at once and keeps them: memory is awaited once.
//
//   dispatch (tokens, 1, 1)
{ENABLE}
// #part bindings

// #part sum-declare

@compute @workgroup_size({WG})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
// #part lanes-argument
) {
  let units = shape.blocks * {LANES}u;
  let first = group.x * units;
  var squares = vec4<f32>(0.0);
// #each k < TURNS
  let at_{k} = local + {k}u * {WG}u;
  let near_{k} = min(at_{k}, units - 1u) * {VECTORS}u;
// #each v < VECTORS
  let x_{k}_{v} = x[first * {VECTORS}u + near_{k} + {v}u];
  let y_{k}_{v} = x_{k}_{v} * weight[near_{k} + {v}u];
  squares += select(vec4<f32>(0.0), x_{k}_{v} * x_{k}_{v}, at_{k} < units);
// #end
// #end
// #each k < TURNS
// #part round
  if (at_{k} < units) {
// #part store-quants
  }
// #end
  let own = dot(squares, vec4<f32>(1.0));
// #part sum
  let factor = inverseSqrt(total * shape.per_column + shape.epsilon);
// #each k < TURNS
  if (at_{k} < units) {
// #part store-scales
  }
// #end
}
