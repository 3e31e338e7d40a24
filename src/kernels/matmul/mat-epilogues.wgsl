// What happens to a pair of results: rows `row` (even) and row + 1 of the output, one token.
// Sections are complete epilogues of mat.ts.

// #section store
@group(0) @binding(6) var<storage, read_write> out: array<f32>;

fn store_pair(token: u32, row: u32, a: f32, b: f32) {
  let at = token * shape.stride + row;
  out[at] = a;
  if (row + 1u < shape.row_end) { out[at + 1u] = b; }
}

// #section add
// Adds to what is there: the residual, in place.
@group(0) @binding(6) var<storage, read_write> out: array<f32>;

fn store_pair(token: u32, row: u32, a: f32, b: f32) {
  let at = token * shape.stride + row;
  out[at] += a;
  if (row + 1u < shape.row_end) { out[at + 1u] += b; }
}

// #section swiglu
// Rows alternate: gate, up. out[t, row / 2] = silu(gate) * up.
@group(0) @binding(6) var<storage, read_write> out: array<f32>;

fn store_pair(token: u32, row: u32, a: f32, b: f32) {
  out[token * shape.stride + row / 2u] = a / (1.0 + exp(min(-a, 80.0))) * b;
}

// #section multiply-silu
// These are the up rows; the gate's results were stored before. out[t, r] = silu(gate[t, r]) * up.
@group(0) @binding(6) var<storage, read_write> out: array<f32>;
@group(0) @binding(7) var<storage, read> gate: array<f32>; // as out

fn silu(value: f32) -> f32 {
  return value / (1.0 + exp(min(-value, 80.0)));
}

fn store_pair(token: u32, row: u32, a: f32, b: f32) {
  let at = token * shape.stride + row;
  out[at] = silu(gate[at]) * a;
  if (row + 1u < shape.row_end) { out[at + 1u] = silu(gate[at + 1u]) * b; }
}
