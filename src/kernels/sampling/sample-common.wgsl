// Sampling's shared declarations; a part of every sample-*.wgsl. One bind group serves them all.
//
//   logits [samples, VOCABULARY] f32       chunks [samples, CHUNKS]
//   histogram [samples, CHUNKS, 256, 2] u32: a count, and the bits of an f32 mass
//   result [MAX_SAMPLES] tokens, then for each sample: bits of its logprob, entries,
//          TOP * (token, bits of its logprob)

struct Request {
  temperature: f32,
  top_k: u32,
  top_p: f32,
  log_min_p: f32,      // natural logarithm
  repetition: f32,
  presence: f32,
  frequency: f32,
  random: f32,
  recent_first: u32,   // index into recent
  recent_count: u32,
  top_logprobs: u32,
  unused: u32,
}
struct Recent {
  sample: u32,
  token: u32,
  count: u32,
  raw: f32,            // the logit before the penalty
}
struct Chunk {
  value: f32,
  token: u32,
  sum: f32,
  ties: u32,
}
struct State {
  best: f32,           // largest logit, and its token; then the last that was listed
  token: u32,
  sum: f32,            // over the vocabulary of e^(logit - best)
  raw_log_sum: f32,    // log of the sum of e^logit, before penalties
  listed: u32,
  level: u32,          // 0 to 3: digits of the top-k threshold; 4 to 7: of top-p's; 8: found
  prefix: u32,         // of the threshold's key, so far
  above: u32,          // how many are above the prefix
  above_mass: f32,
  mass: f32,           // of what top-k keeps
  key: u32,            // the threshold: keep larger keys,
  ties: u32,           // and this many equal ones, lowest tokens first
  k_key: u32,          // the same after top-k
  k_ties: u32,
}
// #part step
@group(0) @binding(1) var<storage, read> requests: array<Request>;
@group(0) @binding(2) var<storage, read_write> recent: array<Recent>;
@group(0) @binding(3) var<storage, read_write> logits: array<f32>;
@group(0) @binding(4) var<storage, read_write> chunks: array<Chunk>;
@group(0) @binding(5) var<storage, read_write> states: array<State>;
@group(0) @binding(6) var<storage, read_write> histogram: array<u32>;
@group(0) @binding(7) var<storage, read_write> result: array<u32>;

const VOCABULARY = {VOCABULARY}u;
const CHUNKS = {CHUNKS}u;
const CHUNK = (VOCABULARY + CHUNKS - 1u) / CHUNKS;
const TOP = {TOP}u;
const RESULT_DETAILS = {MAX_SAMPLES}u;
const DETAIL = 2u + 2u * TOP;
const LOWEST = -3.0e38;
const ALL = 0xffffffffu;

// Rises with the value: larger floats have larger keys.
fn key_of(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  return select(bits | 0x80000000u, ~bits, (bits & 0x80000000u) != 0u);
}
