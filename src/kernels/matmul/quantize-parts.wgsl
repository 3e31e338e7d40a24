// Parts of the two quantizing kernels (quantize-threads.wgsl, quantize-workgroup.wgsl).
//
// {LANES} neighboring threads, one or a quad, share a block of 32 values: a unit of {VECTORS} vectors
// for each. Turn {k} of a thread has unit at_{k} of the row, or of all rows.

// #section bindings
struct Shape { blocks: u32, epsilon: f32, per_column: f32, unused: u32 }
struct Batch { tokens: u32 }
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<uniform> batch: Batch;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
// #part declare-norm?
@group(0) @binding(4) var<storage, read_write> quants: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read_write> scales: array<vec2<f32>>;

fn packed(q: vec4<i32>) -> u32 {
  let bytes = vec4<u32>(q & vec4<i32>(255)) << vec4<u32>(0u, 8u, 16u, 24u);
  return bytes.x | bytes.y | bytes.z | bytes.w;
}

// #section norm.declare-norm
@group(0) @binding(3) var<storage, read> weight: array<vec4<f32>>;

// #section norm.row-factor
let row = at_0 / shape.blocks * shape.blocks * 8u;
var squares = vec4<f32>(0.0);
for (var i = 0u; i < shape.blocks * 8u; i++) {
  let value = x[row + i];
  squares += value * value;
}
let factor = inverseSqrt(dot(squares, vec4<f32>(1.0)) * shape.per_column + shape.epsilon);

// #section norm.value
let y_0_{v} = x[at_0 * {VECTORS}u + {v}u] * weight[at_0 % shape.blocks * {VECTORS}u + {v}u];

// #section plain.row-factor
let factor = 1.0;

// #section plain.value
let y_0_{v} = x[at_0 * {VECTORS}u + {v}u];

// The largest and the sum of a block. A factor of the whole row changes neither the quants nor
// their sum, so it may come later.

// #section round
var largest_{k} = vec4<f32>(0.0);
// #each v < VECTORS
largest_{k} = max(largest_{k}, abs(y_{k}_{v}));
// #end
var size_{k} = max(max(largest_{k}.x, largest_{k}.y), max(largest_{k}.z, largest_{k}.w));
// #part share-size?
let inverse_{k} = select(0.0, 127.0 / size_{k}, size_{k} > 1e-30);
var sums_{k} = vec4<i32>(0);
// #each v < VECTORS
let q_{k}_{v} = vec4<i32>(round(y_{k}_{v} * inverse_{k}));
sums_{k} += q_{k}_{v};
// #end
var sum_{k} = sums_{k}.x + sums_{k}.y + sums_{k}.z + sums_{k}.w;
// #part share-sum?

// #section quad.share-size
size_{k} = max(size_{k}, quadSwapX(size_{k}));
size_{k} = max(size_{k}, quadSwapY(size_{k}));

// #section quad.share-sum
sum_{k} += quadSwapX(sum_{k});
sum_{k} += quadSwapY(sum_{k});

// #section store-quants
// #each p < PAIRS
quants[(first + at_{k}) * {PAIRS}u + {p}u] = vec2<u32>(packed(q_{k}_{p*2}), packed(q_{k}_{p*2+1}));
// #end

// #section store-scales
if (at_{k} % {LANES}u == 0u) {
  let d = size_{k} / 127.0 * factor;
  scales[(first + at_{k}) / {LANES}u] = vec2<f32>(d, d * f32(sum_{k}));
}
