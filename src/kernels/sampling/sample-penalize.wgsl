// logits[token] = (logit > 0 ? logit / repetition : logit * repetition) - count * frequency - presence
//
//   for each distinct recent token, as llama.cpp does; the logit before is kept
//   one thread for each recent token: dispatch (ceil(recent tokens / 64), 1, 1)

// #part common

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  // The last sample's list ends the array's used part.
  let last = requests[step.samples - 1u];
  if (id.x >= last.recent_first + last.recent_count) {
    return;
  }
  let entry = recent[id.x];
  let request = requests[entry.sample];
  let at = entry.sample * VOCABULARY + entry.token;
  let logit = logits[at];
  recent[id.x].raw = logit;
  let repeated = select(logit * request.repetition, logit / request.repetition, logit > 0.0);
  logits[at] = repeated - f32(entry.count) * request.frequency - request.presence;
}
