// out[i, c] = x[row i, c] * weight[c] / sqrt(mean over c of x[row i, c]^2 + EPSILON)
//
//   x [rows, COLUMNS], out [rows or samples, COLUMNS] f32     weight [COLUMNS] f32
//   row i is the step's row i, or with GATHER the row of its sample i
//   one workgroup for each: dispatch (rows or samples, 1, 1)

// #part step
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;

override COLUMNS: u32;
override EPSILON: f32;
override GATHER: u32;

const THREADS = 64u;
var<workgroup> partial: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let quads = COLUMNS / 4u;
  let base = select(group.x, step.row[group.x].w, GATHER == 1u) * quads;
  var squares = vec4<f32>();
  for (var i = local; i < quads; i += THREADS) {
    let v = x[base + i];
    squares += v * v;
  }
  partial[local] = dot(squares, vec4(1.0));
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < THREADS; i++) {
    sum += partial[i];
  }
  let factor = inverseSqrt(sum / f32(COLUMNS) + EPSILON);
  for (var i = local; i < quads; i += THREADS) {
    out[group.x * quads + i] = x[base + i] * weight[i] * factor;
  }
}
