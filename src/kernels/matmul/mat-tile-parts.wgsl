// Parts of mat-tile.wgsl, for floats and for int8: row `mine` and token `own_token` of a block to
// registers and then to workgroup memory, the products of what lies there, and what becomes of them.

// #section int8.tile-fetch
if (slot < {BLOCKS}u) {
  let at_0 = (row_0 * shape.blocks + block) * {VECTORS}u;
// #part fetch-w
} else if (slot < 2u * {BLOCKS}u) {
// #part tile-fetch-x
}

// #section int8.tile-keep
// #part keep-w
// #part keep-x

// The floats of a block would occupy too many registers until they are needed.

// #section float.tile-decode
// #part load

// #section int8.tile-decode
// #part decode

// #section float.tile-w
// #each k < 8
{
// #part floats
// #part weight
w_tile[slice][{k}][w_which][w_place] = weight;
}
// #end

// #section float.tile-x
// #each k < 8
x_tile[slice][{k}][x_which][x_place] = select(vec4<f32>(0.0), x[(own_token * shape.blocks + block) * 8u + {k}u], known);
// #end

// #section float.tile-product
for (var k = 0u; k < 8u; k++) {
// #each t < 4
  let x_{t} = x_tile[slice][k][{t}][line];
// #end
// #each i < 4
  let v_{i} = w_tile[slice][k][{i}][column];
// #each t < 4
  acc_{i}_{t} += dot(v_{i}, x_{t});
// #end
// #end
}

// Weights have a scale and a minimum or, in Q6_K, a scale for each half of the block; activations have
// (d, d * sum), or zeros beyond the last block.

// #section int8.tile-scales
var<workgroup> w_scales: array<array<array<array<vec2<f32>, {QUARTER}>, 4>, {BLOCKS}>, {SLICES}>;
var<workgroup> x_scales_tile: array<array<array<array<vec2<f32>, {QUARTER}>, 4>, {BLOCKS}>, {SLICES}>;

// #section keep-x
var x_next_0: vec4<u32>;
var x_next_1: vec4<u32>;
var xs_next: vec2<f32>;

// #section tile-fetch-x
let x_at = own_token * shape.blocks + block;
x_next_0 = x[x_at * 2u];
x_next_1 = x[x_at * 2u + 1u];
xs_next = x_scales[x_at];

// #section int8.tile-w
// #each k < 8
var p_{k}: u32;
{
// #part packed
p_{k} = p;
}
// #end
w_tile[slice][own_block * 2u][w_which][w_place] = vec4<u32>(p_0, p_1, p_2, p_3);
w_tile[slice][own_block * 2u + 1u][w_which][w_place] = vec4<u32>(p_4, p_5, p_6, p_7);
w_scales[slice][own_block][w_which][w_place] =
// #part tile-scale
;

// #section plain.tile-scale
vec2<f32>(d_{r}, 0.0)

// #section min.tile-scale
vec2<f32>(d_{r}, m_{r})

// #section Q6_K.tile-scale
vec2<f32>(d_{r} * f32(sc_{r}_0), d_{r} * f32(sc_{r}_1))

// #section int8.tile-x
x_tile[slice][own_block * 2u][x_which][x_place] = x_next_0;
x_tile[slice][own_block * 2u + 1u][x_which][x_place] = x_next_1;
x_scales_tile[slice][own_block][x_which][x_place] = select(vec2<f32>(0.0), xs_next, known);

// #section int8.tile-product
// #each b < BLOCKS
{
// #each t < 4
  let xs_{t} = x_scales_tile[slice][{b}][{t}][line];
// #end
// #each i < 4
  let d_{i} = w_scales[slice][{b}][{i}][column];
// #end
// #part tile-block
}
// #end

// The products of half {h} of block {b}, added to b_{i}_{t}.

// #section tile-half
// #each t < 4
let x_{t} = x_tile[slice][{b*2}u + {h}u][{t}][line];
// #end
// #each i < 4
let v_{i} = w_tile[slice][{b*2}u + {h}u][{i}][column];
// #each t < 4
// #each k < 4
b_{i}_{t} += dot4I8Packed(v_{i}[{k}], x_{t}[{k}]);
// #end
// #end
// #end

// #section tile-zeros
// #each i < 4
// #each t < 4
var b_{i}_{t} = 0i;
// #end
// #end

// #section plain.tile-block
// #part tile-zeros
// #each h < 2
{
// #part tile-half
}
// #end
// #each i < 4
// #each t < 4
acc_{i}_{t} += d_{i}.x * xs_{t}.x * f32(b_{i}_{t});
// #end
// #end

// #section min.tile-block
// #part plain.tile-block
// #each i < 4
// #each t < 4
acc_{i}_{t} += d_{i}.y * xs_{t}.y;
// #end
// #end

// #section Q6_K.tile-block
// #each h < 2
{
// #part tile-zeros
// #part tile-half
// #each i < 4
// #each t < 4
acc_{i}_{t} += d_{i}[{h}] * xs_{t}.x * f32(b_{i}_{t});
// #end
// #end
}
// #end

// #section tile-store
// #each p < 2
  if (row + {p}u * {HALF}u + column * 2u < shape.rows) {
    store_pair(out_token, shape.row_base + row + {p}u * {HALF}u + column * 2u, result[{p*2}], result[{p*2+1}]);
  }
// #end

// #section unsliced.tile-results
// #each t < 4
{
  let out_token = token + line + {t}u * {QUARTER}u;
  let result = vec4<f32>(acc_0_{t}, acc_1_{t}, acc_2_{t}, acc_3_{t});
  if (out_token < batch.tokens) {
// #part tile-store
  }
}
// #end

// Slices exchange their results in the weights' place, one token of each thread at a time.

// #section sliced.tile-results
// #each t < 4
w_tile[slice][line / 4u][line % 4u][column] = bitcast<{VECTOR}>(vec4<f32>(acc_0_{t}, acc_1_{t}, acc_2_{t}, acc_3_{t}));
workgroupBarrier();
{
  let out_token = token + line + {t}u * {QUARTER}u;
  if (slice == {t}u % {SLICES}u && out_token < batch.tokens) {
    let result =
// #join + s < SLICES
      bitcast<vec4<f32>>(w_tile[{s}][line / 4u][line % 4u][column])
// #end
    ;
// #part tile-store
  }
}
workgroupBarrier();
// #end
