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

// #section builtin.unpack
return vec4(unpack2x16float(low), unpack2x16float(high));

// The sign stays, the other 15 bits move to the end of an f32's exponent and the start of its
// fraction: the number times 2^-112. Those below 2^-14 may count as zero.

// #section shifted.unpack
let a = bitcast<i32>(low);
let b = bitcast<i32>(high);
let placed = vec4(a * 65536, a, b * 65536, b);
return bitcast<vec4<f32>>(vec4(placed.x >> 3u, placed.y >> 3u, placed.z >> 3u, placed.w >> 3u) & vec4(-0x70002000i));
