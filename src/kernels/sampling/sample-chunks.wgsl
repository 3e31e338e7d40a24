// chunks[sample, c]: the largest logit of each chunk and the sum of its masses, after penalties
//
//   logits[token] = (logit > 0 ? logit / repetition : logit * repetition) - count * frequency - presence
//   for each distinct recent token, as llama.cpp does; the logit before is kept
//
//   one thread for each (sample, chunk), which also penalizes its tokens: no barrier
//   dispatch (samples * SPANS, 1, 1)

// #part common

@compute @workgroup_size(PARTS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
  let sample = group.x / SPANS;
  let span = group.x % SPANS;
  let request = requests[sample];
  let base = sample * VOCABULARY;
  let begin = span * SPAN + t;
  let end = min((span + 1u) * SPAN, VOCABULARY);
  var raw = LOWEST;
  var raw_sum = 0.0;
  if (request.top_logprobs > 0u) {
    for (var i = begin; i < end; i += PARTS) {
      raw = max(raw, logits[base + i]);
    }
    for (var i = begin; i < end; i += PARTS) {
      raw_sum += exp(logits[base + i] - raw);
    }
  }
  for (var i = 0u; i < request.recent_count; i++) {
    let at = request.recent_first + i;
    let entry = recent[at];
    if (entry.token / SPAN == span && entry.token % PARTS == t) {
      let logit = logits[base + entry.token];
      let repeated = select(logit * request.repetition, logit / request.repetition, logit > 0.0);
      recent[at].raw = logit;
      logits[base + entry.token] = repeated - f32(entry.count) * request.frequency - request.presence;
    }
  }
  var value = LOWEST;
  var token = ALL;
  for (var i = begin; i < end; i += PARTS) {
    let x = logits[base + i];
    let better = x > value || token == ALL;
    value = select(value, x, better);
    token = select(token, i, better);
  }
  var sum = 0.0;
  if (request.temperature > 0.0) {
    let scale = mass_scale(request);
    for (var i = begin; i < end; i += PARTS) {
      sum += exp((logits[base + i] - value) * scale);
    }
  }
  chunks[sample * CHUNKS + span * PARTS + t] = Chunk(value, token, sum, raw, raw_sum, 0u);
}
