// out[row, c] = W[token of row, c], dequantized
//
//   W [vocabulary, columns] as in weights.ts; a part of it, from `first`     out [rows, columns] f32
//   one thread for each (row, block of 32): dispatch (ceil(rows * BLOCKS / 64), 1, 1)

// #part step
@group(0) @binding(1) var<storage, read> quants: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> sampled: array<u32>;    // token of each sample of the step before

override FIRST: u32;             // token of the part's first row
override PART_ROWS: u32;
const EARLIER_SAMPLE = {EARLIER_SAMPLE}u;
const BLOCKS = {BLOCKS}u;
const META_WORDS = {META_WORDS}u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let row = id.x / BLOCKS;
  let block = id.x % BLOCKS;
  if (row >= step.rows) {
    return;
  }
  var token = step.row[row].z;
  if (token >= EARLIER_SAMPLE) {
    token = sampled[token - EARLIER_SAMPLE];
  }
  if (token < FIRST || token - FIRST >= PART_ROWS) {
    return;
  }
  let at_{r} = ((token - FIRST) * BLOCKS + block) * {VECTORS}u;
  let meta_{r} = (token - FIRST) * META_WORDS;
  // #part load
  // #each k < 8
  {
    // #part floats
    // #part weight
    out[(row * BLOCKS + block) * 8u + {k}u] = weight;
  }
  // #end
}
