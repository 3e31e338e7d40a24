// Parts of the two quantizing kernels (quantize-threads.wgsl, quantize-workgroup.wgsl).

// #section bindings
struct Shape { blocks: u32, epsilon: f32, per_column: f32, unused: u32 }
struct Batch { tokens: u32 }
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<uniform> batch: Batch;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
// #part declare-norm
@group(0) @binding(4) var<storage, read_write> quants: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> scales: array<vec2<f32>>;

fn packed(q: vec4<i32>) -> u32 {
  let bytes = vec4<u32>(q & vec4<i32>(255)) << vec4<u32>(0u, 8u, 16u, 24u);
  return bytes.x | bytes.y | bytes.z | bytes.w;
}

// #section norm.declare
@group(0) @binding(3) var<storage, read> weight: array<vec4<f32>>;

// #section norm.row-factor
var squares = vec4<f32>(0.0);
for (var i = 0u; i < shape.blocks * 8u; i++) {
  let value = x[row + i];
  squares += value * value;
}
let factor = inverseSqrt(dot(squares, vec4<f32>(1.0)) * shape.per_column + shape.epsilon);

// #section norm.group-factor
var squares = vec4<f32>(0.0);
for (var i = local; i < shape.blocks * 8u; i += {WG}u) {
  let value = x[row + i];
  squares += value * value;
}
partial[local] = dot(squares, vec4<f32>(1.0));
for (var half = {WG}u / 2u; half > 0u; half /= 2u) {
  workgroupBarrier();
  if (local < half) { partial[local] += partial[local + half]; }
}
workgroupBarrier();
let factor = inverseSqrt(partial[0] * shape.per_column + shape.epsilon);

// #section norm.value
let y_{k} = x[at + {k}u] * weight[block * 8u + {k}u] * factor;

// #section plain.value
let y_{k} = x[at + {k}u];

// #section block
var largest = vec4<f32>(0.0);
// #each k < 8
// #part value
largest = max(largest, abs(y_{k}));
// #end
let size = max(max(largest.x, largest.y), max(largest.z, largest.w));
let d = size / 127.0;
let inverse = select(0.0, 127.0 / size, size > 1e-30);
var total = vec4<i32>(0);
// #each k < 8
let q_{k} = vec4<i32>(round(y_{k} * inverse));
total += q_{k};
// #end
quants[index * 2u] = vec4<u32>(packed(q_0), packed(q_1), packed(q_2), packed(q_3));
quants[index * 2u + 1u] = vec4<u32>(packed(q_4), packed(q_5), packed(q_6), packed(q_7));
scales[index] = vec2<f32>(d, d * f32(total.x + total.y + total.z + total.w));
