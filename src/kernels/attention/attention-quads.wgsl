// out[row, h] = sum over p <= position of softmax(qkv[row, h] . k[p]) v[p], online
//
//   qkv [rows, HEADS * DIM] f32 -> out [rows, HEADS * DIM] f32
//
// For rows that attend to each other's positions, as a prompt's do: a quad of lanes takes four
// rows and walks over the cache once for them. Each lane loads a quarter of a key or value and
// they swap. Rows of several sequences may meet in a quad; they are then walked in turn.
// dispatch (ceil(rows / 4) * PARTS, 1, 1)

enable subgroups;

// #part bindings
// #part common

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(subgroup_invocation_id) lane_id: u32,
) {
  let lane = lane_id & 3u;
  let part = group.x % PARTS;
  let first = group.x / PARTS * 4u;
  if (first >= step.rows) {
    return;
  }
  let row = min(first + lane, step.rows - 1u);
  let kv_head = part * SHARED / GROUP;
  // In the order in which the lane meets a key's numbers (attention-parts.wgsl): its own first.
  // #each h < SHARED
  let at{h} = (row * HEADS + part * SHARED + {h}u) * DIM;
  // #each i < SIXTEENS
  let q{h}_{i*4} = both(at{h} + {i*16}u + 2u * (lane ^ 0u));
  let q{h}_{i*4+1} = both(at{h} + {i*16}u + 2u * (lane ^ 1u));
  let q{h}_{i*4+2} = both(at{h} + {i*16}u + 2u * (lane ^ 2u));
  let q{h}_{i*4+3} = both(at{h} + {i*16}u + 2u * (lane ^ 3u));
  // #end
  // #end
  // #part accumulators
  let begin = 0u;
  for (var turn = 0u; turn < 4u; turn++) {
    let sequence = step.row[min(first + turn, step.rows - 1u)].x;
    var end = 0u;
    var met = false;
    for (var i = 0u; i < 4u; i++) {
      let other = step.row[min(first + i, step.rows - 1u)];
      if (other.x == sequence) {
        met = met || i < turn;
        end = max(end, other.y + 1u);
      }
    }
    if (met) {
      continue;
    }
    let own_end = select(0u, step.row[row].y + 1u, step.row[row].x == sequence);
    // #part positions
  }
  if (first + lane >= step.rows) {
    return;
  }
  // #each h < SHARED
  let inverse{h} = 1.0 / l{h};
  // #each i < SIXTEENS
  store_both(at{h} + {i*16}u + 2u * (lane ^ 0u), a{h}_{i*4} * inverse{h});
  store_both(at{h} + {i*16}u + 2u * (lane ^ 1u), a{h}_{i*4+1} * inverse{h});
  store_both(at{h} + {i*16}u + 2u * (lane ^ 2u), a{h}_{i*4+2} * inverse{h});
  store_both(at{h} + {i*16}u + 2u * (lane ^ 3u), a{h}_{i*4+3} * inverse{h});
  // #end
  // #end
}

// Two numbers of a block of eight, and the same two of the next.
fn both(at: u32) -> vec4<f32> {
  return UNIT * vec4(qkv[at], qkv[at + 1u], qkv[at + 8u], qkv[at + 9u]);
}

fn store_both(at: u32, v: vec4<f32>) {
  out[at] = v.x;
  out[at + 1u] = v.y;
  out[at + 8u] = v.z;
  out[at + 9u] = v.w;
}
