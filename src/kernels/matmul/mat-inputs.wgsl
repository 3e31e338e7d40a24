// Where a thread's activations come from, and how a block's products add up. Parts
// for the matrix kernels (template.ts); one of `own`, `quads`, `int8`, `pairs` is chosen. Those named
// X-norm are for products with an RMS norm, X-min for formats with a minimum.
//
// Given  x_at_{t}   the token's first vec4 in `x`      block   index of the block in the row
//
// M.x-block   once a block
// M.x-group   for a group {k} of four elements: full_{t}, a vec4<f32> that `place` scales to x_{t}, or
//           at once x_{t}, scaled or a word of four int8
// M.x-sum     s_{t}: the sum of the block's activations (formats with a minimum)

// #section float.declare
@group(0) @binding(4) var<storage, read> x: array<vec4<f32>>;

// #section norm.declare-norm
@group(0) @binding(5) var<storage, read> norm_weight: array<vec4<f32>>;

// #section own.x-group
// #each t < TOKENS
let full_{t} = x[x_at_{t} + block * 8u + {k}u];
// #end

// #section own-min.x-group-sum
// #each t < TOKENS
sum_{t} += full_{t};
// #end

// What undoes the places of quants in their words (mat-formats.wgsl, `placed`); exact.

// #section quants.place
// #each t < TOKENS
let x_{t} = full_{t} * (vec4<f32>(1.0, 0x1p-8, 0x1p-16, 0x1p-24) / f32(1 + {HIGH} * {k/4}));
// #end

// #section whole.place
// #each t < TOKENS
let x_{t} = full_{t};
// #end

// #section own-min.x-sum
// #each t < TOKENS
let s_{t} = dot(sum_{t}, vec4<f32>(1.0));
// #end

// #section own-norm.x-group
let g_{k} = norm_weight[block * 8u + {k}u];
// #each t < TOKENS
let raw_{t} = x[x_at_{t} + block * 8u + {k}u];
square_{t} += dot(raw_{t}, raw_{t});
let full_{t} = raw_{t} * g_{k};
// #end

// A quad of lanes, each with rows of its own, shares the activations: lane i loads element i of
// every group and they swap. In turn {d} a lane holds the element of lane i ^ {d}, which is element
// i ^ {d} of its weights (mat-formats.wgsl, X.elements). A swap is one instruction where four
// lanes are a register; a broadcast is twenty there.

// #section quads.declare
@group(0) @binding(4) var<storage, read> x: array<f32>;

// #section quads-norm.declare-norm
@group(0) @binding(5) var<storage, read> norm_weight: array<f32>;

// #section quads.lanes
let lane = lane_id & 3u;
// #each d < 4
let lane_{d} = lane ^ {d}u;
let byte_{d} = 255u << (lane_{d} * 8u);
// #end
// #part lane

// #section quads.x-block
// #each t < TOKENS
let x_from_{t} = x_at_{t} + block * 32u + lane;
// #each k < 8
let part_{t}_{k} = x[x_from_{t} + {k*4}u];
// #end
// #end
// #part swaps

// #section quads-norm.x-block
// #each k < 8
let g_{k} = norm_weight[block * 32u + lane + {k*4}u];
// #end
// #each t < TOKENS
let x_from_{t} = x_at_{t} + block * 32u + lane;
// #each k < 8
let raw_{t}_{k} = x[x_from_{t} + {k*4}u];
square_{t} += raw_{t}_{k} * raw_{t}_{k};
let part_{t}_{k} = raw_{t}_{k} * g_{k};
// #end
// #end
// #part swaps

// #section swaps
// #each t < TOKENS
// #each k < 8
let x_{t}_{k}_0 = part_{t}_{k} * place_{k/4};
let x_{t}_{k}_1 = quadSwapX(x_{t}_{k}_0);
let x_{t}_{k}_2 = quadSwapY(x_{t}_{k}_0);
let x_{t}_{k}_3 = quadSwapDiagonal(x_{t}_{k}_0);
// #end
// #end
// #part x-sum?

// #section quads-min.x-sum
// #each t < TOKENS
let quarter_{t} =
// #join + k < 8
  part_{t}_{k}
// #end
;
let half_{t} = quarter_{t} + quadSwapX(quarter_{t});
let s_{t} = half_{t} + quadSwapY(half_{t});
// #end

// #section quads-norm.squares
// #each t < TOKENS
let half_{t} = square_{t} + quadSwapX(square_{t});
let squares_{t} = half_{t} + quadSwapY(half_{t});
// #end

// #section own-norm.squares
// #each t < TOKENS
let squares_{t} = square_{t};
// #end

// #section int8.declare
@group(0) @binding(4) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> x_scales: array<vec2<f32>>;

// #section int8.place

// #section int8.x-block
// #each t < TOKENS
let q_{t}_0 = x[x_at_{t} + block * 2u];
let q_{t}_1 = x[x_at_{t} + block * 2u + 1u];
let xs_{t} = x_scales[xs_at_{t} + block];
// #end

// Two products in one multiplication, for weights of four bits. With a, b >= 0 in the halves
// of a word, (a + b * 2^16) * (y + x * 2^16) has a * x + b * y in its upper half. Eight such
// products of at most 2 * 15 * 127 fit in 16 bits, and the lower halves' sum stays below 2^15,
// so that a start of 2^15 rounds it away. Pairs are bytes (0, 2) and (1, 3) of a word.

// #section pairs.start
var b_{r}_{t}_0 = 32768i;
var b_{r}_{t}_1 = 32768i;

// #section pairs.x-block
// #each t < TOKENS
// #each i < 2
let w_{t}_{i} = bitcast<vec4<i32>>(x[x_at_{t} + block * 2u + {i}u]);
let even_{t}_{i} = ((w_{t}_{i} << vec4<u32>(8u)) >> vec4<u32>(24u)) + ((w_{t}_{i} << vec4<u32>(24u)) >> vec4<u32>(8u));
let odd_{t}_{i} = (w_{t}_{i} >> vec4<u32>(24u)) + (((w_{t}_{i} << vec4<u32>(16u)) >> vec4<u32>(24u)) << vec4<u32>(16u));
// #end
let xs_{t} = x_scales[xs_at_{t} + block];
// #end

// #section pairs.x-group
// #each t < TOKENS
let even_{t} = even_{t}_{k/4}[{k%4}];
let odd_{t} = odd_{t}_{k/4}[{k%4}];
// #end

// #section pairs.product
let v = bitcast<vec4<i32>>(v_{r})[{k%4}] >> {k/4*4}u;
let p_even = v & 0x000f000f;
let p_odd = (v >> 8u) & 0x000f000f;
// #each t < TOKENS
b_{r}_{t}_{k/4} += p_even * even_{t} + p_odd * odd_{t};
// #end

// #section pairs.add
acc_{r}_{t} += d_{r} * xs_{t}.x * f32((b_{r}_{t}_0 >> 16u) + (b_{r}_{t}_1 >> 16u));

// #section pairs-min.add
acc_{r}_{t} += d_{r} * xs_{t}.x * f32((b_{r}_{t}_0 >> 16u) + (b_{r}_{t}_1 >> 16u)) + m_{r} * xs_{t}.y;

// #section float.start
var b_{r}_{t} = 0.0;

// #section int8.start
var b_{r}_{t} = 0i;

// #section int8.x-group
// #each t < TOKENS
let x_{t} = q_{t}_{k/4}[{k%4}];
// #end

// #section float.product
// #part placed
// #each t < TOKENS
b_{r}_{t} += dot(u, x_{t});
// #end

// #section int8.product
// #part packed
// #each t < TOKENS
b_{r}_{t} +=
// #part dot
;
// #end

// #section float.add
acc_{r}_{t} += d_{r} * b_{r}_{t};

// #section float-min.add
acc_{r}_{t} += d_{r} * b_{r}_{t} + m_{r} * s_{t};

// #section int8.add
acc_{r}_{t} += d_{r} * xs_{t}.x * f32(b_{r}_{t});

// #section int8-min.add
acc_{r}_{t} += d_{r} * xs_{t}.x * f32(b_{r}_{t}) + m_{r} * xs_{t}.y;

// The factor of the RMS norm, applied to the results; 1 without a norm.

// #section plain.factor
let factor_{t} = 1.0;

// #section norm.factor
let factor_{t} = inverseSqrt(squares_{t} * shape.per_column + shape.epsilon);

// The weight of an element w of a block, for tiles of floats and for the embedding.

// #section plain.weight
let weight = d_{r} * w;

// #section min.weight
let weight = d_{r} * w + m_{r};
