// What the matrix kernels share: bindings, and one block of a thread's rows and tokens.

// #section bindings
struct Shape {
  rows: u32,       // of these weights
  row_base: u32,   // where their first row lies in the output
  row_end: u32,    // row_base + rows
  blocks: u32,     // of 32 columns
  meta_words: u32, // of a row
  stride: u32,     // f32 elements between the outputs of two tokens
  epsilon: f32,    // of the RMS norm
  per_column: f32, // 1 / columns
}
struct Batch { tokens: u32 }

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<uniform> batch: Batch;
@group(0) @binding(2) var<storage, read> quants: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> scales: array<u32>;
// #part declare
// #part declare-norm?
// #part epilogue

// #section setup
// #each r < ROWS
let row_{r} = min(row + {r}u, shape.rows - 1u);
let first_at_{r} = row_{r} * shape.blocks * {VECTORS}u;
let meta_{r} = row_{r} * shape.meta_words;
// #each t < TOKENS
var acc_{r}_{t} = 0.0;
// #end
// #end
// #each t < TOKENS
let token_{t} = min(token + {t}u, batch.tokens - 1u);
let x_at_{t} = token_{t} * shape.blocks * {X_VECTORS}u;
let xs_at_{t} = token_{t} * shape.blocks;
var square_{t} = 0.0;
// #end

// #section block
// #part x-block?
// #each r < ROWS
let at_{r} = first_at_{r} + block * {VECTORS}u;
// #part load
// #each t < TOKENS
// #part start
// #end
// #end
// #each t < TOKENS
var sum_{t} = vec4<f32>(0.0);
// #end
// #each k < 8
{
// #part x-group
// #part x-group-sum?
// #part place
// #each r < ROWS
{
// #part product
}
// #end
}
// #end
// #part x-sum?
// #each r < ROWS
// #each t < TOKENS
// #part add
// #end
// #end

// The same by a quad of lanes (mat-inputs.wgsl), as one expression for each result: a software
// adapter's compiler keeps few registers, and stores each partial sum that has a name.

// #section quads.block
// #part x-block?
// #each r < ROWS
let at_{r} = first_at_{r} + block * {VECTORS}u;
// #part load
{
// #part elements
// #each t < TOKENS
let b_{r}_{t} =
// #join + k < 8
  x_{t}_{k}_0 * u_{k}_0 + x_{t}_{k}_1 * u_{k}_1 + x_{t}_{k}_2 * u_{k}_2 + x_{t}_{k}_3 * u_{k}_3
// #end
;
// #part add
// #end
}
// #end
