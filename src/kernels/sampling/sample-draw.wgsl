// result[sample] = the token at `random` of the kept mass, in the order of tokens; the best one
// when greedy; ALL if the logits are not finite. And its logprob before penalties, where
// probabilities are listed.
//
//   one thread for each sample: dispatch (1, 1, 1)

// #part common

fn drawn(sample: u32) -> u32 {
  let state = states[sample];
  let request = requests[sample];
  let tie = exp((value_of(state.key) - state.best) / request.temperature);
  var total = 0.0;
  var ties = state.ties;
  for (var c = 0u; c < CHUNKS; c++) {
    let chunk = chunks[sample * CHUNKS + c];
    let taken = min(ties, chunk.ties);
    ties -= taken;
    total += chunk.sum + select(0.0, f32(taken) * tie, taken > 0u);
  }
  // The chunk in which the cumulated mass passes the target; the last with any, for rounding.
  let target_mass = request.random * total;
  var before = 0.0;
  var chosen = 0u;
  var chosen_before = 0.0;
  var chosen_ties = 0u;
  ties = state.ties;
  for (var c = 0u; c < CHUNKS; c++) {
    let chunk = chunks[sample * CHUNKS + c];
    let taken = min(ties, chunk.ties);
    let mass = chunk.sum + select(0.0, f32(taken) * tie, taken > 0u);
    if (mass > 0.0) {
      chosen = c;
      chosen_before = before;
      chosen_ties = ties;
      before += mass;
      if (before > target_mass) {
        break;
      }
    }
    ties -= taken;
  }
  let floor = state.best + request.log_min_p;
  let begin = min(chosen * CHUNK, VOCABULARY);
  let end = min(begin + CHUNK, VOCABULARY);
  var token = state.token;
  for (var i = begin; i < end; i++) {
    let x = logits[sample * VOCABULARY + i];
    let key = key_of(x);
    let is_tie = key == state.key && chosen_ties > 0u;
    if (x >= floor && (key > state.key || is_tie)) {
      chosen_ties -= u32(key == state.key);
      token = i;
      chosen_before += exp((x - state.best) / request.temperature);
      if (chosen_before > target_mass) {
        break;
      }
    }
  }
  return token;
}

fn value_of(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffffu, (key & 0x80000000u) != 0u));
}

@compute @workgroup_size({MAX_SAMPLES})
fn main(@builtin(local_invocation_index) sample: u32) {
  if (sample >= step.samples) {
    return;
  }
  let request = requests[sample];
  var token = states[sample].token;
  if (request.temperature > 0.0) {
    token = drawn(sample);
  }
  // A NaN in a row reaches every logit of it, and so the largest one.
  if ((bitcast<u32>(states[sample].best) & 0x7f800000u) == 0x7f800000u) {
    token = ALL;
  }
  result[sample] = token;
  states[sample].listed = 0u;
  if (request.top_logprobs > 0u) {
    var raw = logits[sample * VOCABULARY + token];
    for (var i = 0u; i < request.recent_count; i++) {
      let entry = recent[request.recent_first + i];
      raw = select(raw, entry.raw, entry.token == token);
    }
    result[RESULT_DETAILS + sample * DETAIL] = bitcast<u32>(raw - states[sample].raw_log_sum);
  }
}
