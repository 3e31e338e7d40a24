// out[t, r] = sum over c of W[r, c] * x[t, c]: a subgroup for {ROWS} rows and {TOKENS} tokens, its
// lanes taking turns at the blocks of 32 columns. No workgroup memory and no barrier. Subgroups
// have {LANES} lanes at least; where there are more, a workgroup's fewer subgroups take several
// turns, so that it has the same rows.
//
//   dispatch (ceil(rows / ({ROWS} * {WG} / {LANES})) folded to x and z, ceil(tokens / {TOKENS}), .)
{ENABLE}
// #part bindings

@compute @workgroup_size({WG})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
{LANE_ARGUMENT}
) {
  let width = min(lanes, {WG}u);
  let unit = (group.x + group.z * {FOLD}u) * ({WG}u / {LANES}u) + local / width;
  let token = group.y * {TOKENS}u;
  for (var turn = 0u; turn < width / {LANES}u; turn++) {
    let row = (unit + turn * ({WG}u / width)) * {ROWS}u;
// #part setup
    for (var block = lane_id; block < shape.blocks; block += width) {
// #part block
    }
// #each t < TOKENS
// #each r < ROWS
    acc_{r}_{t} = subgroupAdd(acc_{r}_{t});
// #end
    if (lane_id == {t}u && token + {t}u < batch.tokens) {
// #each p < PAIRS
      if (row + {p*2}u < shape.rows) {
        store_pair(token_{t}, shape.row_base + row + {p*2}u, acc_{p*2}_{t}, acc_{p*2+1}_{t});
      }
// #end
    }
// #end
  }
}
