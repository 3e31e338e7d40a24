// out[t, r] = sum over c of W[r, c] * x[t, c]: a workgroup of 8 x 8 threads for a tile of
// 64 rows and {TOKENS} * 8 tokens; a thread keeps 8 x {TOKENS} results in registers. Each
// block of 32 columns is dequantized once into workgroup memory.
//
//   dispatch (ceil(rows / 64), ceil(tokens / ({TOKENS} * 8)), 1)
// #part bindings

// [row or token][8 groups of four columns], with one spare so that rows fall on different banks.
var<workgroup> w_tile: array<vec4<f32>, 64 * 9>;
var<workgroup> x_tile: array<vec4<f32>, {TOKENS} * 8 * 9>;
// [token][thread]: sums of squares of x, for the norm.
var<workgroup> squares: array<f32, {TOKENS} * 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
) {
  let row = group.x * 64u;
  let token = group.y * {TOKENS}u * 8u;
  let row_0 = min(row + local, shape.rows - 1u);
  let first_at_0 = row_0 * shape.blocks * {VECTORS}u;
  let meta_0 = row_0 * shape.meta_words;
  let lane = local % 8u;
  let my_token = local / 8u;
// #each i < 8
// #each t < TOKENS
  var acc_{i}_{t} = 0.0;
// #end
// #end
// #each t < TOKENS
  let x_at_{t} = min(token + {t}u * 8u + my_token, batch.tokens - 1u) * shape.blocks * 8u;
  var square_{t} = 0.0;
// #end
  for (var block = 0u; block < shape.blocks; block++) {
    let at_0 = first_at_0 + block * {VECTORS}u;
    // Thread `local` dequantizes its row's block, and loads a group of each of its tokens.
// #each r < 1
// #part load
// #each k < 8
    {
// #part floats
// #part weight
      w_tile[local * 9u + {k}u] = weight;
    }
// #end
// #end
// #each t < TOKENS
    {
// #part tile-x
      x_tile[({t}u * 8u + my_token) * 9u + lane] = value;
    }
// #end
    workgroupBarrier();
    for (var k = 0u; k < 8u; k++) {
// #each t < TOKENS
      let x_{t} = x_tile[({t}u * 8u + my_token) * 9u + k];
// #end
// #each i < 8
      let w_{i} = w_tile[({i/2}u * 16u + lane * 2u + {i%2}u) * 9u + k];
// #each t < TOKENS
      acc_{i}_{t} += dot(w_{i}, x_{t});
// #end
// #end
    }
    workgroupBarrier();
  }
// #part tile-squares
// #each t < TOKENS
  if (token + {t}u * 8u + my_token < batch.tokens) {
// #part factor
// #each p < 4
    if (row + {p}u * 16u + lane * 2u < shape.rows) {
      store_pair(token + {t}u * 8u + my_token, shape.row_base + row + {p}u * 16u + lane * 2u, acc_{p*2}_{t} * factor_{t}, acc_{p*2+1}_{t} * factor_{t});
    }
// #end
  }
// #end
}
