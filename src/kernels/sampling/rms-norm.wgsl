// out[i, c] = x[row i, c] * weight[c] / sqrt(mean over c of x[row i, c]^2 + EPSILON)
//
//   x [rows, COLUMNS], out [rows or samples, COLUMNS] f32     weight [COLUMNS] f32
//   row i is the step's row i, or with GATHER the row of its sample i
//   one workgroup for each: dispatch (rows or samples, 1, 1). A thread loads {TURNS} vectors of the
//   row at once and keeps them until the sum is known.
{ENABLE}
// #part step
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;

override COLUMNS: u32;
override EPSILON: f32;
override GATHER: u32;

// #part sum-declare

@compute @workgroup_size({WG})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
// #part lanes-argument
) {
  let quads = COLUMNS / 4u;
  let base = select(group.x, step.row[group.x].w, GATHER == 1u) * quads;
  var squares = vec4<f32>();
// #each i < TURNS
  let at_{i} = local + {i}u * {WG}u;
  let near_{i} = min(at_{i}, quads - 1u);
  let v_{i} = x[base + near_{i}];
  let y_{i} = v_{i} * weight[near_{i}];
  squares += select(vec4<f32>(), v_{i} * v_{i}, at_{i} < quads);
// #end
  let own = dot(squares, vec4(1.0));
// #part sum
  let factor = inverseSqrt(total / f32(COLUMNS) + EPSILON);
// #each i < TURNS
  if (at_{i} < quads) { out[group.x * quads + at_{i}] = y_{i} * factor; }
// #end
}
