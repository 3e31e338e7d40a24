// The best of all chunks. RAW 1: appends it to the listed probabilities. RAW 0: makes the
// threshold's search ready.
//
//   one thread for each sample: dispatch (1, 1, 1)

// #part common
override RAW: u32;

@compute @workgroup_size({MAX_SAMPLES})
fn main(@builtin(local_invocation_index) sample: u32) {
  if (sample >= step.samples) {
    return;
  }
  let request = requests[sample];
  if (RAW == 1u && states[sample].listed >= request.top_logprobs) {
    return;
  }
  var value = LOWEST;
  var token = ALL;
  for (var c = 0u; c < CHUNKS; c++) {
    let chunk = chunks[sample * CHUNKS + c];
    let better = chunk.token != ALL && (chunk.value > value || token == ALL);
    value = select(value, chunk.value, better);
    token = select(token, chunk.token, better);
  }
  var sum = 0.0;
  for (var c = 0u; c < CHUNKS; c++) {
    let chunk = chunks[sample * CHUNKS + c];
    if (chunk.token != ALL) {
      sum += chunk.sum * exp(chunk.value - value);
    }
  }
  let listed = states[sample].listed;
  states[sample].best = value;
  states[sample].token = token;
  if (RAW == 1u) {
    if (listed == 0u) {
      states[sample].raw_log_sum = value + log(sum);
    }
    let detail = RESULT_DETAILS + sample * DETAIL;
    states[sample].listed = listed + 1u;
    result[detail + 1u] = listed + 1u;
    result[detail + 2u + 2u * listed] = token;
    result[detail + 3u + 2u * listed] = bitcast<u32>(value - states[sample].raw_log_sum);
    return;
  }
  states[sample].sum = sum;
  states[sample].prefix = 0u;
  states[sample].above = 0u;
  states[sample].above_mass = 0.0;
  states[sample].mass = sum;
  states[sample].key = 0u;
  states[sample].ties = ALL;
  states[sample].k_key = 0u;
  states[sample].k_ties = ALL;
  let search_p = select(8u, 4u, request.top_p < 1.0);
  let search_k = request.top_k > 0u && request.top_k < VOCABULARY;
  states[sample].level = select(search_p, 0u, search_k);
}
