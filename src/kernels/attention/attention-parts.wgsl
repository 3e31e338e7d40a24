// Parts of the attention kernels: constants, a thread's walk over the cache, where queries come
// from, who writes keys and values, and how words become floats.

// #section common
const PARTS = {PARTS}u;          // threads that share the query heads of a row
const SHARED = {SHARED}u;        // query heads of a part
const GROUP = HEADS / KV_HEADS;
const PARTIAL_BASE = {PARTIAL_BASE}u;
const BLOCK = {BLOCK}u;
const LOWEST = -1e30;

// Of the cache's numbers as `unpacked` gives them. Queries and weights are scaled by it before they
// meet: sums as small would be denormal, which CPUs add a hundred times slower.
const UNIT = {UNIT};

fn unpacked(low: u32, high: u32) -> vec4<f32> {
  // #part unpack
}

// What a thread does of `unit`: the (row, part, split), and the positions of the split.

// #section unit
let split = unit % step.splits;
let part = unit / step.splits % PARTS;
let row = unit / step.splits / PARTS;
if (row >= step.rows) {
  return;
}
let sequence = step.row[row].x;
let position = step.row[row].y;
let kv_head = part * SHARED / GROUP;
let begin = min(split * step.split_positions, position + 1u);
let end = min(begin + step.split_positions, position + 1u);

// A position's key or value as vec4s n{b}_{f}, from the block `from` of the cache: all blocks, or
// for a lane of a quad every fourth.

// #section own.numbers
// #each o < OCTETS
let words{b}_{o} = cache{s}[from{b} + {LANE} + {o}u * STRIDE];
let n{b}_{o*2} = unpacked(words{b}_{o}.x, words{b}_{o}.y);
let n{b}_{o*2+1} = unpacked(words{b}_{o}.z, words{b}_{o}.w);
// #end

// Each lane of a quad loads one word of a block; in turn d it holds that of lane ^ d. So element
// 4 i + d has two numbers of block 2 i and two of 2 i + 1.

// #section quads.numbers
// #each i < SIXTEENS
let n{b}_{i*4} = unpacked(cache{s}[from{b} + {i*2}u][lane], cache{s}[from{b} + {i*2+1}u][lane]);
let n{b}_{i*4+1} = quadSwapX(n{b}_{i*4});
let n{b}_{i*4+2} = quadSwapY(n{b}_{i*4});
let n{b}_{i*4+3} = quadSwapDiagonal(n{b}_{i*4});
// #end

// Each lane of a quad has found its part of a score.

// #section lanes.score
// #each h < SHARED
s{h}_{b} += quadSwapX(s{h}_{b});
s{h}_{b} += quadSwapY(s{h}_{b});
// #end

// #section accumulators
// #each h < SHARED
var m{h} = LOWEST;
var l{h} = 0.0;
// #each f < FOURS
var a{h}_{f} = vec4<f32>();
// #end
// #end

// Positions [begin, end) of `sequence`, of which this thread attends to those before `own_end`.

// #section positions
// #each s < SEGMENTS
{
  let length = STARTS[{s+1}] - STARTS[{s}];
  let plane = (sequence * KV_HEADS + kv_head) * 2u * length;
  let last = min(end, STARTS[{s+1}]);
  let visible = min(last, own_end);
  for (var p = max(begin, STARTS[{s}]); p < last; p += {BLOCK}u) {
    // #each b < BLOCK
    let at{b} = (plane + min(p + {b}u, last - 1u) - STARTS[{s}]) * (DIM / 8u);
    // #each h < SHARED
    var s{h}_{b}: f32;
    // #end
    {
      let from{b} = at{b};
      // #part numbers
      // #each h < SHARED
      s{h}_{b} =
      // #join + f < FOURS
        dot(q{h}_{f}, n{b}_{f})
      // #end
      ;
      // #end
      // #part score?
    }
    // #end
    // #each h < SHARED
    var n{h} = m{h};
    // #each b < BLOCK
    s{h}_{b} = select(LOWEST, s{h}_{b}, p + {b}u < visible);
    n{h} = max(n{h}, s{h}_{b});
    // #end
    let c{h} = exp(m{h} - n{h});
    m{h} = n{h};
    l{h} *= c{h};
    // #each b < BLOCK
    let e{h}_{b} = exp(s{h}_{b} - n{h});
    l{h} += e{h}_{b};
    let w{h}_{b} = UNIT * e{h}_{b};
    // #end
    // #end
    // #each b < BLOCK
    let from{b} = at{b} + length * (DIM / 8u);
    // #part numbers
    // #end
    // #each h < SHARED
    // #each f < FOURS
    a{h}_{f} = a{h}_{f} * c{h}
    // #each b < BLOCK
      + w{h}_{b} * n{b}_{f}
    // #end
    ;
    // #end
    // #end
  }
}
// #end

// A query's pairs j and j + 1.

// #section plain.query
let at = (row * HEADS + head) * DIM + 2u * j;
query[i] = vec4(qkv[at], qkv[at + 1u], qkv[at + 2u], qkv[at + 3u]);

// #section fused.query
let scale = head_scale(row, head);
query[i] = SCALE * vec4(rotated(row, head, j, position, scale), rotated(row, head, j + 1u, position, scale));

// #section fused-threads.write
// Each thread reads of the newest position what it has just written.
if (begin <= position && position < end) {
  for (var block = {LANE}; block < DIM / 8u; block += STRIDE) {
    write_block(row, kv_head, sequence, position, block);
  }
}

// #section fused-workgroup.write
if (position < end && begin <= position && t < DIM / 8u) {
  write_block(row, kv_head, sequence, position, t);
}

// The lanes of a team add up their parts of a score; a subgroup holds whole teams.

// #section shuffle.total
// #each i < STEPS
// #each b < BLOCK
// #each h < SHARED
s{h}_{b} += subgroupShuffleXor(s{h}_{b}, 1u << {i}u);
// #end
// #end
// #end

// #section memory.total
// #each b < BLOCK
// #each h < SHARED
shares[({b}u * SHARED + {h}u) * WORKGROUP + t] = s{h}_{b};
s{h}_{b} = 0.0;
// #end
// #end
workgroupBarrier();
for (var i = team * LANES; i < (team + 1u) * LANES; i++) {
  // #each b < BLOCK
  // #each h < SHARED
  s{h}_{b} += shares[({b}u * SHARED + {h}u) * WORKGROUP + i];
  // #end
  // #end
}
workgroupBarrier();

// #section builtin.unpack
return vec4(unpack2x16float(low), unpack2x16float(high));

// On software adapters: the sign stays, the other 15 bits move to the end of an f32's exponent and the
// start of its fraction, which gives the number times 2^-112. Those below 2^-14 may count as zero.

// #section shift.unpack
let a = bitcast<i32>(low);
let b = bitcast<i32>(high);
let placed = vec4(a * 65536, a, b * 65536, b);
return bitcast<vec4<f32>>(vec4(placed.x >> 3u, placed.y >> 3u, placed.z >> 3u, placed.w >> 3u) & vec4(-0x70002000i));
