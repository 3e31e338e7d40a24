// The next digit of the threshold: the largest d such that the logits above it and those with
// digit d are enough: top_k of them, or top_p of the mass that top-k keeps.
//
//   one workgroup for each sample: dispatch (samples, 1, 1)

// #part common

var<workgroup> counts: array<u32, 256>;
var<workgroup> masses: array<f32, 256>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
  let sample = group.x;
  for (var bin = t; bin < 256u; bin += 64u) {
    var count = 0u;
    var mass = 0.0;
    for (var c = 0u; c < CHUNKS; c++) {
      let at = (sample * CHUNKS + c) * 512u + 2u * bin;
      count += histogram[at];
      mass += bitcast<f32>(histogram[at + 1u]);
    }
    counts[bin] = count;
    masses[bin] = mass;
  }
  workgroupBarrier();
  if (t > 0u || requests[sample].temperature == 0.0 || states[sample].level >= 8u) {
    return;
  }
  let by_count = states[sample].level < 4u;
  let wanted = requests[sample].top_k;
  let wanted_mass = requests[sample].top_p * states[sample].mass;
  var above = states[sample].above;
  var above_mass = states[sample].above_mass;
  var chosen = 0u;
  var chosen_above = above;
  var chosen_mass = above_mass;
  for (var i = 0u; i < 256u; i++) {
    let bin = 255u - i;
    if (counts[bin] > 0u) {
      chosen = bin;
      chosen_above = above;
      chosen_mass = above_mass;
      above += counts[bin];
      above_mass += masses[bin];
      if ((by_count && above >= wanted) || (!by_count && above_mass >= wanted_mass)) {
        break;
      }
    }
  }
  let prefix = (states[sample].prefix << 8u) | chosen;
  let level = states[sample].level + 1u;
  states[sample].prefix = prefix;
  states[sample].above = chosen_above;
  states[sample].above_mass = chosen_mass;
  states[sample].level = level;
  if (level % 4u != 0u) {
    return;
  }
  let each = masses[chosen] / f32(counts[chosen]);
  if (level == 4u) {
    let ties = wanted - chosen_above;
    states[sample].k_key = prefix;
    states[sample].k_ties = ties;
    states[sample].mass = chosen_mass + f32(ties) * each;
    states[sample].prefix = 0u;
    states[sample].above = 0u;
    states[sample].above_mass = 0.0;
    states[sample].key = prefix;
    states[sample].ties = ties;
    states[sample].level = select(8u, 4u, requests[sample].top_p < 1.0);
    return;
  }
  let missing = max(1.0, ceil((wanted_mass - chosen_mass) / each));
  var ties = min(counts[chosen], u32(min(missing, 4.0e9)));
  if (prefix == states[sample].k_key) {
    ties = min(ties, states[sample].k_ties);
  }
  states[sample].key = prefix;
  states[sample].ties = ties;
}
