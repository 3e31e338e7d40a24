// out[t, r] = sum over c of W[r, c] * x[t, c]: each thread all columns of {ROWS} rows
// and {TOKENS} tokens. No workgroup memory and no barrier, which software adapters
// execute badly.
//
//   dispatch (ceil(rows / ({ROWS} * {WG})), ceil(tokens / {TOKENS}), 1)
{ENABLE}
// #part bindings

@compute @workgroup_size({WG})
fn main(
  @builtin(global_invocation_id) thread: vec3<u32>,
  @builtin(workgroup_id) group: vec3<u32>,
{LANE_ARGUMENT}
) {
// #part lanes?
  let row = thread.x * {ROWS}u;
  let token = group.y * {TOKENS}u;
// #part setup
  for (var block = 0u; block < shape.blocks; block++) {
// #part block
  }
// #part squares?
// #each t < TOKENS
  if (token + {t}u < batch.tokens) {
// #part factor
// #each p < PAIRS
    if (row + {p*2}u < shape.rows) {
      store_pair(token_{t}, shape.row_base + row + {p*2}u, acc_{p*2}_{t} * factor_{t}, acc_{p*2+1}_{t} * factor_{t});
    }
// #end
  }
// #end
}
