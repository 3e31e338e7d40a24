// Sampling's shared declarations; a part of both sample-*.wgsl. One bind group serves them.
//
//   logits [samples, VOCABULARY] f32       chunks [samples, CHUNKS]
//   list [samples, LIST] (key, token)
//   result [MAX_SAMPLES] tokens, then for each sample: bits of its logprob, entries,
//          TOP * (token, bits of its logprob)
//
// A span is SPAN neighboring tokens. Chunk c has every PARTS-th token of span c / PARTS, from
// c % PARTS on.

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
  value: f32,          // the largest logit, and its token: the lowest of equal ones
  token: u32,
  sum: f32,            // of e^((logit - value) * mass_scale)
  listed_sum: f32,     // of e^(logit - value), where probabilities are listed
}
// #part step
@group(0) @binding(1) var<storage, read> requests: array<Request>;
@group(0) @binding(2) var<storage, read_write> recent: array<Recent>;
@group(0) @binding(3) var<storage, read_write> logits: array<f32>;
@group(0) @binding(4) var<storage, read_write> chunks: array<Chunk>;
@group(0) @binding(5) var<storage, read_write> list: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> result: array<u32>;

const VOCABULARY = {VOCABULARY}u;
const SPAN = {SPAN}u;
const SPANS = {SPANS}u;
const PARTS = {PARTS}u;
const CHUNKS = SPANS * PARTS;
const LIST = {LIST}u;
const TOP = {TOP}u;
const RESULT_DETAILS = {MAX_SAMPLES}u;
const DETAIL = 2u + 2u * TOP;
const LOWEST = -3.0e38;
const ALL = 0xffffffffu;

fn cuts_by_rank(request: Request) -> bool {
  return request.top_k > 0u && request.top_k < VOCABULARY;
}

fn cuts_by_mass(request: Request) -> bool {
  return request.top_p < 1.0;
}

fn cuts_by_value(request: Request) -> bool {
  return request.log_min_p > -1e38;
}

fn keeps_all(request: Request) -> bool {
  return !cuts_by_rank(request) && !cuts_by_mass(request) && !cuts_by_value(request);
}

// Where nothing is cut, only the draw needs masses; otherwise top-p's come first.
fn mass_scale(request: Request) -> f32 {
  return select(1.0, 1.0 / request.temperature, keeps_all(request));
}

fn chunk_of(sample: u32, c: u32, request: Request) -> Chunk {
  let base = sample * VOCABULARY;
  let begin = c / PARTS * SPAN + c % PARTS;
  let end = min((c / PARTS + 1u) * SPAN, VOCABULARY);
  var chunk = Chunk(LOWEST, ALL, 0.0, 0.0);
  for (var i = begin; i < end; i += PARTS) {
    let x = logits[base + i];
    let better = x > chunk.value || chunk.token == ALL;
    chunk.value = select(chunk.value, x, better);
    chunk.token = select(chunk.token, i, better);
  }
  if (request.temperature > 0.0) {
    let scale = mass_scale(request);
    for (var i = begin; i < end; i += PARTS) {
      chunk.sum += exp((logits[base + i] - chunk.value) * scale);
    }
  }
  if (request.top_logprobs > 0u) {
    for (var i = begin; i < end; i += PARTS) {
      chunk.listed_sum += exp(logits[base + i] - chunk.value);
    }
  }
  return chunk;
}
