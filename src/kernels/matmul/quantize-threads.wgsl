// Activations to int8, a scale for 32 of them, with an RMS norm before if there is one:
//
//   y[t, c] = x[t, c], or x[t, c] * weight[c] / sqrt(mean over c of x[t, c]^2 + epsilon)
//   d[t, b] = max over block b of |y| / 127     q[t, c] = round(y[t, c] / d)
//   scales[t, b] = (d, d * sum over block b of q)
//
//   x [tokens, columns] f32     quants [tokens, columns] int8     scales [tokens, columns / 32]
//   a thread for each block: dispatch (ceil(tokens * blocks / {WG}), 1, 1). Each sums its row's
//   squares by itself, which costs less than a barrier on a software adapter.

// #part bindings

@compute @workgroup_size({WG})
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
  let index = thread.x;
  if (index >= batch.tokens * shape.blocks) { return; }
  let block = index % shape.blocks;
  let row = (index / shape.blocks) * shape.blocks * 8u;
// #part row-factor
  let at = row + block * 8u;
// #part block
}
