// out[i, c] = x[row of sample i, c] * weight[c] / sqrt(mean over c of x[row, c]^2 + EPSILON)
//
//   x [rows, COLUMNS], out [samples, COLUMNS] f32     weight [COLUMNS] f32
//   one thread for each (sample, 4 columns), which sums the whole row itself: the few rows
//   whose logits are wanted are not worth a barrier
//   dispatch (ceil(samples * COLUMNS / 4 / 64), 1, 1)

// #part step
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;

override COLUMNS: u32;
override EPSILON: f32;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let quads = COLUMNS / 4u;
  let sample = id.x / quads;
  if (sample >= step.samples) {
    return;
  }
  let base = step.row[sample].w * quads;
  var squares = vec4<f32>();
  for (var i = 0u; i < quads; i++) {
    let v = x[base + i];
    squares += v * v;
  }
  let mean = dot(squares, vec4(1.0)) / f32(COLUMNS);
  let column = id.x % quads;
  out[id.x] = x[base + column] * weight[column] * inverseSqrt(mean + EPSILON);
}
