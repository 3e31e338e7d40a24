// k, v of each row -> the cache; q of each row -> rotated, times the attention scale
//
//   qkv [rows, QKV] f32 -> query [rows, HEADS * DIM] f32     table [positions, HALF] (cos, sin)
//   one thread for each (row, head of q or k): dispatch (ceil(rows * (HEADS + KV_HEADS) / 64), 1, 1)

// #part step
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
@group(0) @binding(2) var<storage, read> table: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> extras: array<f32>;
@group(0) @binding(4) var<storage, read_write> query: array<f32>;
// #each s < SEGMENTS
@group(0) @binding({s+5}) var<storage, read_write> cache{s}: array<vec4<u32>>;
// #end

// #part rope-pair
// #part kv-write
const SCALE = f32({SCALE});    // of q . k before the softmax

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let head = id.x % (HEADS + KV_HEADS);
  let row = id.x / (HEADS + KV_HEADS);
  if (row >= step.rows) {
    return;
  }
  let at_row = step.row[row];
  if (head >= HEADS) {
    write_position(row, head - HEADS, at_row.x, at_row.y);
    return;
  }
  let scale = head_scale(row, head);
  for (var j = 0u; j < DIM / 2u; j++) {
    let pair = SCALE * rotated(row, head, j, at_row.y, scale);
    let at = (row * HEADS + head) * DIM + 2u * j;
    query[at] = pair.x;
    query[at + 1u] = pair.y;
  }
}
