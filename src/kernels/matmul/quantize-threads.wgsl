// Activations to int8, a scale for 32 of them, with an RMS norm before if there is one:
//
//   y[t, c] = x[t, c], or x[t, c] * weight[c] / sqrt(mean over c of x[t, c]^2 + epsilon)
//   d[t, b] = max over block b of |y| / 127     q[t, c] = round(y[t, c] / d)
//   scales[t, b] = (d, d * sum over block b of q)
//
//   x [tokens, columns] f32     quants [tokens, columns] int8     scales [tokens, columns / 32]
//   {LANES} threads for each block: dispatch (ceil(tokens * blocks * {LANES} / {WG}), 1, 1). With a
//   norm each sums its row's squares by itself, which costs less than a barrier on a software adapter.
{ENABLE}
// #part bindings

@compute @workgroup_size({WG})
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
  let first = 0u;
  let units = batch.tokens * shape.blocks * {LANES}u;
  let at_0 = min(thread.x, units - 1u);
// #part row-factor
// #each v < VECTORS
// #part value
// #end
// #each k < 1
// #part round
  if (thread.x < units) {
// #part store-quants
// #part store-scales
  }
// #end
}
