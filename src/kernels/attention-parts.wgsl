// Parts of the attention kernels: where queries come from, who writes keys and values, and
// how lanes merge.

// #section plain.query
let at = (row * HEADS + head) * DIM + i % (DIM / 4u) * 4u;
query[i] = vec4(qkv[at], qkv[at + 1u], qkv[at + 2u], qkv[at + 3u]);

// #section fused.query
let j = i % (DIM / 4u) * 2u;
let scale = head_scale(row, head);
query[i] = SCALE * vec4(rotated(row, head, j, position, scale), rotated(row, head, j + 1u, position, scale));

// #section threads.write
// The thread that reads the newest position has just written it.
if (begin <= position && position < end) {
  write_position(row, kv_head, sequence, position);
}

// #section workgroup.write
if (position < end && begin <= position && t < DIM / 8u) {
  write_block(row, kv_head, sequence, position, t);
}

// #section lanes.enable
enable subgroups;

// #section lanes.unit
let unit = group.x;

// #section single.unit
let unit = group.x * {WORKGROUP}u + local;

// #section lanes.merge
// #each h < SHARED
{
  let n = subgroupMax(m{h});
  let c = exp(m{h} - n);
  m{h} = n;
  l{h} = subgroupAdd(l{h} * c);
  // #each o < OCTETS
  a{h}_{o}l = subgroupAdd(a{h}_{o}l * c);
  a{h}_{o}h = subgroupAdd(a{h}_{o}h * c);
  // #end
}
// #end
if (lane > 0u) {
  return;
}
