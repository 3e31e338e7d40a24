// Activations to int8, a scale for 32 of them, with an RMS norm before if there is one:
//
//   y[t, c] = x[t, c], or x[t, c] * weight[c] / sqrt(mean over c of x[t, c]^2 + epsilon)
//   d[t, b] = max over block b of |y| / 127     q[t, c] = round(y[t, c] / d)
//   scales[t, b] = (d, d * sum over block b of q)
//
//   x [tokens, columns] f32     quants [tokens, columns] int8     scales [tokens, columns / 32]
//   one workgroup for each token: dispatch (tokens, 1, 1). {LANES} neighboring threads, one or a
//   quad, share a block: a unit of {VECTORS} vectors for each. A thread loads all of its {TURNS} units
//   at once and keeps them: memory is awaited once.

// #section main
{ENABLE}
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
// #part declare-norm?
@group(0) @binding(2) var<storage, read_write> quants: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> scales: array<vec2<f32>>;

override BLOCKS: u32;
override EPSILON: f32;

fn packed(q: vec4<i32>) -> u32 {
  let bytes = vec4<u32>(q & vec4<i32>(255)) << vec4<u32>(0u, 8u, 16u, 24u);
  return bytes.x | bytes.y | bytes.z | bytes.w;
}

@compute @workgroup_size({WG})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
// #part lanes-argument
) {
  let units = BLOCKS * {LANES}u;
  let first = group.x * units;
  var squares = vec4<f32>(0.0);
// #each k < TURNS
  let at_{k} = local + {k}u * {WG}u;
  let near_{k} = min(at_{k}, units - 1u) * {VECTORS}u;
// #each v < VECTORS
  let x_{k}_{v} = x[first * {VECTORS}u + near_{k} + {v}u];
// #part value
// #end
// #end
  // The largest and the sum of a block. A factor of the whole row changes neither the quants nor
  // their sum, so it may come later.
// #each k < TURNS
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
  if (at_{k} < units) {
// #each p < PAIRS
    quants[(first + at_{k}) * {PAIRS}u + {p}u] = vec2<u32>(packed(q_{k}_{p*2}), packed(q_{k}_{p*2+1}));
// #end
  }
// #end
// #part factor
// #each k < TURNS
  if (at_{k} < units && at_{k} % {LANES}u == 0u) {
    let d = size_{k} / 127.0 * factor;
    scales[(first + at_{k}) / {LANES}u] = vec2<f32>(d, d * f32(sum_{k}));
  }
// #end
}

// #section norm.declare-norm
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
// #part sum-declare

// #section norm.value
let y_{k}_{v} = x_{k}_{v} * weight[near_{k} + {v}u];
squares += select(vec4<f32>(0.0), x_{k}_{v} * x_{k}_{v}, at_{k} < units);

// #section plain.value
let y_{k}_{v} = x_{k}_{v};

// #section norm.factor
let own = dot(squares, vec4<f32>(1.0));
// #part sum
let factor = inverseSqrt(total / f32(32u * BLOCKS) + EPSILON);

// #section plain.factor
let factor = 1.0;

// #section quad.share-size
size_{k} = max(size_{k}, quadSwapX(size_{k}));
size_{k} = max(size_{k}, quadSwapY(size_{k}));

// #section quad.share-sum
sum_{k} += quadSwapX(sum_{k});
sum_{k} += quadSwapY(sum_{k});
