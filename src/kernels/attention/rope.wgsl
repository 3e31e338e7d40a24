// k, v of each row -> the cache; q of each row -> rotated, times the attention scale
//
//   qkv [rows, QKV] f32 -> out [rows, HEADS * DIM] f32     table [positions, HALF] (cos, sin)
//   one thread for each (row, head of q or k): dispatch (ceil(rows * (HEADS + KV_HEADS) / 64), 1, 1)

// #part bindings
// #part heads

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let head = id.x % (HEADS + KV_HEADS);
  let row = id.x / (HEADS + KV_HEADS);
  if (row >= step.rows) {
    return;
  }
  let at_row = step.row[row];
  if (head >= HEADS) {
    for (var block = 0u; block < DIM / 8u; block++) {
      write_block(row, head - HEADS, at_row.x, at_row.y, block);
    }
    return;
  }
  let scale = head_scale(row, head);
  for (var j = 0u; j < DIM / 2u; j++) {
    let pair = SCALE * rotated(row, head, j, at_row.y, scale);
    let at = (row * HEADS + head) * DIM + 2u * j;
    out[at] = pair.x;
    out[at + 1u] = pair.y;
  }
}
