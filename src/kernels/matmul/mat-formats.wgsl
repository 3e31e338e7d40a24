// How each block format becomes numbers. Parts for the matrix kernels (template.ts): those of a format
// are X.name, where X is the format or one of its kinds (mat-source.ts).
//
// Given  at_{r}      the block's first vec4 in `quants` (row r of the thread)
//        meta_{r}    the row's first word in `scales`
//        block       the block's index in the row
//
// X.fetch    once a block: what lies in memory, each as `let NAME = quants[...]` (vec4<u32>) or
//            `scales[...]` (u32): v_{r} or v_{r}_0, v_{r}_1 (quants), word_{r} (scale), what else X needs
// X.decode   then: d_{r} (scale), m_{r} (minimum, formats with one), what else X needs
// X.packed   for a group {k} of four elements: p, four bytes; unsigned below 32, or signed
// X.placed   for a group {k}: u, a vec4<f32> of the quants where they lie in their word: element i
//            is 2^(8 i) times too large, and 16 times more in the high halves of nibbles. Masking
//            and converting in place costs a sixth of shifting first on a software adapter; the
//            activations are scaled down instead, once for all rows
// X.elements u_{k}_{d}, all of a block as the lanes of a quad take turns {d} at them, placed likewise
// X.lane     the lane's masks and places for them
// X.floats   for a group {k}: w, a vec4<f32>; the weight is d * w (+ m)
// X.dot      for a group {k}: the integer product of p with x_{t}
//
// Layouts: pack-blocks.ts. Over 250 lines: every format has all of these parts.

// #section nibbles.placed
let u = vec4<f32>(vec4<u32>(v_{r}[{k%4}]) & (vec4<u32>(15u, 0xf00u, 0xf0000u, 0xf000000u) << vec4<u32>({k/4*4}u)));

// The byte that a turn asks for is masked as it lies. The conversion is a signed one, since an
// unsigned one takes five instructions more on a software adapter: nibbles in the sign's place
// lose 2^31 before and get it back after.

// #section places
let place_0 = 1.0 / f32(byte_0 & 0x01010101u);
let place_1 = place_0 / f32(1u + {HIGH}u);

// #section nibbles.lane
// #part places
// #each d < 4
let low_{d} = byte_{d} & 0x0f0f0f0fu;
let high_{d} = byte_{d} & 0xf0f0f0f0u;
let flip_{d} = byte_{d} & 0x80000000u;
let back_{d} = f32(flip_{d});
// #end

// #section nibbles.elements
// #each k < 4
// #each d < 4
let u_{k}_{d} = f32(bitcast<i32>(v_{r}[{k}] & low_{d}));
let u_{k+4}_{d} = f32(bitcast<i32>((v_{r}[{k}] & high_{d}) ^ flip_{d})) + back_{d};
// #end
// #end

// #section unsigned.elements
// #each k < 8
var p_{k}: u32;
{
// #part packed
p_{k} = p;
}
// #each d < 4
let u_{k}_{d} = f32(bitcast<i32>(p_{k} & byte_{d}));
// #end
// #end

// #section signed.lane
// #part places
// #each d < 4
let off_{d} = f32(byte_{d} & 0x00808080u);
// #end

// #section signed.elements
// #each k < 8
var p_{k}: u32;
{
// #part packed
p_{k} = p ^ 0x00808080u;
}
// #each d < 4
let u_{k}_{d} = f32(bitcast<i32>(p_{k} & byte_{d})) - off_{d};
// #end
// #end

// #section quants.lane
// #part places

// #section quants.floats
// #part placed
let w = u * (vec4<f32>(1.0, 0x1p-8, 0x1p-16, 0x1p-24) / f32(1 + {HIGH} * {k/4}));

// #section nibbles.packed
let p = (v_{r}[{k%4}] >> {k/4*4}u) & 0x0f0f0f0fu;

// #section quants.dot
dot4I8Packed(p, x_{t})

// #section signed.placed
// #part packed
let u = vec4<f32>(bitcast<vec4<i32>>(vec4<u32>(vec3<u32>(p ^ 0x80808080u), p) & vec4<u32>(255u, 0xff00u, 0xff0000u, 0xff000000u))) - vec4<f32>(0x1p7, 0x1p15, 0x1p23, 0.0);

// #section unsigned.placed
// #part packed
let u = vec4<f32>(bitcast<vec4<i32>>(vec4<u32>(p) & vec4<u32>(255u, 0xff00u, 0xff0000u, 0x7f000000u)));

// #section load
// #part fetch
// #part decode

// #section Q4_0.fetch
let v_{r} = quants[at_{r}];
let word_{r} = scales[meta_{r} + (block >> 1u)];

// #section Q4_0.decode
let d_{r} = unpack2x16float(word_{r} >> ((block & 1u) << 4u)).x;
let m_{r} = -8.0 * d_{r};

// #section Q4_1.fetch
let v_{r} = quants[at_{r}];
let word_{r} = scales[meta_{r} + block];

// #section pair.decode
let dm_{r} = unpack2x16float(word_{r});
let d_{r} = dm_{r}.x;
let m_{r} = dm_{r}.y;

// #section Q5_0.fetch
let v_{r} = quants[at_{r}];
let pair_{r} = meta_{r} + (block >> 1u) * 3u;
let h_{r} = scales[pair_{r} + 1u + (block & 1u)];
let word_{r} = scales[pair_{r}];

// #section Q5_0.decode
let d_{r} = unpack2x16float(word_{r} >> ((block & 1u) << 4u)).x;
let m_{r} = -16.0 * d_{r};

// #section Q5_1.fetch
let v_{r} = quants[at_{r}];
let h_{r} = scales[meta_{r} + block * 2u + 1u];
let word_{r} = scales[meta_{r} + block * 2u];

// #section fifth.packed
let p = ((v_{r}[{k%4}] >> {k/4*4}u) & 0x0f0f0f0fu) | (((h_{r} >> {k}u) & 0x01010101u) << 4u);

// #section Q4_K.fetch
let v_{r} = quants[at_{r}];
let super_{r} = meta_{r} + (block >> 3u) * 4u;
// #part six-bit.fetch

// #section Q5_K.fetch
let v_{r} = quants[at_{r}];
let super_{r} = meta_{r} + (block >> 3u) * 12u;
let h_{r} = scales[super_{r} + 4u + (block & 7u)];
// #part six-bit.fetch

// #section six-bit.fetch
let word_{r} = scales[super_{r}];
let word_{r}_0 = scales[super_{r} + 1u];
let word_{r}_1 = scales[super_{r} + 2u];
let word_{r}_2 = scales[super_{r} + 3u];

// #section six-bit.decode
let dm_{r} = unpack2x16float(word_{r});
let s0_{r} = word_{r}_0 >> ((block & 3u) << 3u);
let s1_{r} = word_{r}_1 >> ((block & 3u) << 3u);
let s2_{r} = word_{r}_2 >> ((block & 3u) << 3u);
let first_{r} = (block & 4u) == 0u;
let sc_{r} = select((s2_{r} & 15u) | ((s0_{r} >> 2u) & 48u), s0_{r} & 63u, first_{r});
let mn_{r} = select(((s2_{r} >> 4u) & 15u) | ((s1_{r} >> 2u) & 48u), s1_{r} & 63u, first_{r});
let d_{r} = dm_{r}.x * f32(i32(sc_{r}));
let m_{r} = -dm_{r}.y * f32(i32(mn_{r}));

// #section Q6_K.fetch
let v_{r} = quants[at_{r}];
let super_{r} = meta_{r} + (block >> 3u) * 21u;
let word_{r} = scales[super_{r}];
let word_{r}_0 = scales[super_{r} + 1u + ((block & 7u) >> 1u)];
let h_{r}_0 = scales[super_{r} + 5u + (block & 7u) * 2u];
let h_{r}_1 = scales[super_{r} + 6u + (block & 7u) * 2u];

// #section Q6_K.decode
let d_{r} = bitcast<f32>(word_{r});
let sc_{r} = bitcast<i32>(word_{r}_0 << (16u - ((block & 1u) << 4u)));
let sc_{r}_0 = (sc_{r} << 8u) >> 24u;
let sc_{r}_1 = sc_{r} >> 24u;

// #section Q6_K.packed
let h = ((h_{r}_{k/4} >> {k%4*2}u) & 0x03030303u) << 4u;
let sign = h & 0x20202020u;
let p = ((v_{r}[{k%4}] >> {k/4*4}u) & 0x0f0f0f0fu) | h | (sign << 1u) | (sign << 2u);

// #section Q6_K.placed
let p = (((v_{r}[{k%4}] >> {k/4*4}u) & 0x0f0f0f0fu) | (((h_{r}_{k/4} >> {k%4*2}u) & 0x03030303u) << 4u)) ^ 0x20202020u;
let u = f32(sc_{r}_{k/4}) * (vec4<f32>(bitcast<vec4<i32>>(vec4<u32>(p) & vec4<u32>(255u, 0xff00u, 0xff0000u, 0x7f000000u))) - vec4<f32>(0x1p5, 0x1p13, 0x1p21, 0x1p29));

// #section Q6_K.lane
// #part places
// #each d < 4
let off_{d} = f32(byte_{d} & 0x20202020u);
// #end

// #section Q6_K.elements
// #each k < 8
let p_{k} = (((v_{r}[{k%4}] >> {k/4*4}u) & 0x0f0f0f0fu) | (((h_{r}_{k/4} >> {k%4*2}u) & 0x03030303u) << 4u)) ^ 0x20202020u;
// #each d < 4
let u_{k}_{d} = f32(sc_{r}_{k/4}) * (f32(bitcast<i32>(p_{k} & byte_{d})) - off_{d});
// #end
// #end

// #section Q6_K.dot
sc_{r}_{k/4} * dot4I8Packed(p, x_{t})

// #section Q8_0.fetch
let v_{r}_0 = quants[at_{r}];
let v_{r}_1 = quants[at_{r} + 1u];
let word_{r} = scales[meta_{r} + (block >> 1u)];

// #section Q8_0.decode
let d_{r} = unpack2x16float(word_{r} >> ((block & 1u) << 4u)).x;

// #section Q8_0.packed
let p = v_{r}_{k/4}[{k%4}];

// #section whole.fetch

// #section whole.decode
let d_{r} = 1.0;

// #section F32.placed
let u = bitcast<vec4<f32>>(quants[at_{r} + {k}u]);

// #section F32.elements
// #each k < 8
// #each d < 4
let u_{k}_{d} = bitcast<f32>(quants[at_{r} + {k}u][lane_{d}]);
// #end
// #end

// #section F16.placed
let v = quants[at_{r} + {k/2}u];
let u = vec4<f32>(unpack2x16float(v[{k%2*2}]), unpack2x16float(v[{k%2*2+1}]));

// #section F16.elements
// #each k < 8
// #each d < 4
let u_{k}_{d} = unpack2x16float(quants[at_{r} + {k/2}u][{k%2*2}u + (lane_{d} >> 1u)])[lane_{d} & 1u];
// #end
// #end

// #section BF16.placed
let v = quants[at_{r} + {k/2}u];
let u = bitcast<vec4<f32>>(vec4<u32>(v[{k%2*2}] << 16u, v[{k%2*2}] & 0xffff0000u, v[{k%2*2+1}] << 16u, v[{k%2*2+1}] & 0xffff0000u));

// #section whole.floats
// #part placed
let w = u;

// #section BF16.elements
// #each k < 8
// #each d < 4
let u_{k}_{d} = bitcast<f32>((quants[at_{r} + {k/2}u][{k%2*2}u + (lane_{d} >> 1u)] << (16u - ((lane_{d} & 1u) << 4u))) & 0xffff0000u);
// #end
// #end

// #section whole.lane
let place_0 = 1.0;
let place_1 = 1.0;
