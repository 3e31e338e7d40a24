// result[sample] = the token at `random` of the kept mass, in the order of tokens; the best one
// when greedy; ALL if the logits are not finite. And its logprob before penalties, and the most
// probable tokens, where probabilities are listed.
//
// Entries are ordered by value, equal ones by token. Thresholds are found by bisection over what
// is left: the logits that can be kept, as the chunks tell, are put into a list first. If they
// exceed it, the logits themselves are looked at. Exact for any vocabulary and settings.
//
// Over 250 lines: it is one dispatch, and so one shader.
//
//   one workgroup for each sample: dispatch (samples, 1, 1)

// #part common

const WG = {WG}u;
var<workgroup> counts: array<u32, WG>;
var<workgroup> masses: array<f32, WG>;
var<workgroup> listed: atomic<u32>;

struct Entry { key: u32, token: u32, mass: f32 }
struct Measure { count: u32, mass: f32 }
// Keeps larger keys, and equal ones up to a token.
struct Cut { key: u32, last_token: u32 }

// What `measure` looks at; equal in all threads.
const FROM_CHUNKS = 0u;
const FROM_LIST = 1u;
const FROM_LOGITS = 2u;
var<private> t: u32;
var<private> sample: u32;
var<private> source: u32;
var<private> first: u32;      // of the entries
var<private> entries: u32;
var<private> is_raw: bool;    // before penalties
var<private> best: f32;
var<private> scale: f32;      // of exponents

// Rises with the value: larger floats have larger keys.
fn key_of(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  return select(bits | 0x80000000u, ~bits, (bits & 0x80000000u) != 0u);
}

fn value_of(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffffu, (key & 0x80000000u) != 0u));
}

fn entry(i: u32) -> Entry {
  if (source == FROM_CHUNKS) {
    let chunk = chunks[sample * CHUNKS + i];
    let sum = select(chunk.sum, chunk.listed_sum, is_raw);
    return Entry(key_of(chunk.value), i / PARTS * SPAN, sum * exp((chunk.value - best) * scale));
  }
  var key: u32;
  var token: u32;
  if (source == FROM_LIST) {
    let found = list[sample * LIST + i];
    key = found.x;
    token = found.y;
  } else {
    token = first + i;
    key = key_of(logits[sample * VOCABULARY + token]);
  }
  return Entry(key, token, exp((value_of(key) - best) * scale));
}

fn keeps(cut: Cut, e: Entry) -> bool {
  return e.key > cut.key || (e.key == cut.key && e.token <= cut.last_token);
}

// Of the entries that a cut keeps, up to a token.
fn measure(cut: Cut, last_token: u32) -> Measure {
  var count = 0u;
  var mass = 0.0;
  for (var i = t; i < entries; i += WG) {
    let e = entry(i);
    let kept = e.token <= last_token && keeps(cut, e);
    count += u32(kept);
    mass += select(0.0, e.mass, kept);
  }
  counts[t] = count;
  masses[t] = mass;
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (t < half) {
      counts[t] += counts[t + half];
      masses[t] += masses[t + half];
    }
  }
  return Measure(workgroupUniformLoad(&counts[0]), workgroupUniformLoad(&masses[0]));
}

// The cut that keeps the fewest entries that are enough, of those that `widest` keeps. One loop, in
// which keys are bisected and then the tokens of equal ones: compilers inline what it calls.
fn search(widest: Cut, best_key: u32, wanted: f32, by_mass: bool) -> Cut {
  var tried = widest;
  var low = widest;          // enough, or the widest
  var high = best_key + 1u;  // not enough
  var inside = ALL;          // entries that `low` keeps, and those from `high` on
  var above = 0u;
  var from_token = 0u;       // smaller tokens with the key of `low` are not enough
  loop {
    let m = measure(tried, ALL);
    let is_enough = m.count > 0u && select(f32(m.count), m.mass, by_mass) >= wanted;
    if (is_enough || inside == ALL) {
      low = tried;
      inside = m.count;
    } else if (tried.key == low.key) {
      from_token = tried.last_token + 1u;
    } else {
      high = tried.key;
      above = m.count;
    }
    let by_token = high - low.key <= 1u;
    let last = min(low.last_token, VOCABULARY - 1u);
    if (inside - above <= 1u || (!by_mass && f32(inside) <= wanted) || (by_token && from_token >= last)) {
      break;
    }
    tried = Cut(low.key + (high - low.key) / 2u, select(ALL, (from_token + last) / 2u, by_token));
  }
  return low;
}

fn look_at(place: u32, begin: u32, count: u32) {
  source = place;
  first = begin;
  entries = count;
}

// Lists the logits from a key on; all logits where they are too many.
fn collect(key: u32) {
  if (t == 0u) {
    atomicStore(&listed, 0u);
  }
  workgroupBarrier();
  for (var c = t; c < CHUNKS; c += WG) {
    if (key_of(chunks[sample * CHUNKS + c].value) < key) {
      continue;
    }
    let end = min((c / PARTS + 1u) * SPAN, VOCABULARY);
    for (var token = c / PARTS * SPAN + c % PARTS; token < end; token += PARTS) {
      let own = key_of(logits[sample * VOCABULARY + token]);
      if (own >= key) {
        let at = atomicAdd(&listed, 1u);
        if (at < LIST) {
          list[sample * LIST + at] = vec2(own, token);
        }
      }
    }
  }
  storageBarrier();
  workgroupBarrier();
  let count = atomicLoad(&listed);
  if (count <= LIST) {
    look_at(FROM_LIST, 0u, count);
  } else {
    look_at(FROM_LOGITS, 0u, VOCABULARY);
  }
}

// Keeps a logit if it is the thread's largest; of equal ones the lowest token.
fn offer(token: u32, value: f32) {
  let is_larger = counts[t] == ALL || value > masses[t] || (value == masses[t] && token < counts[t]);
  if (token != ALL && is_larger) {
    counts[t] = token;
    masses[t] = value;
  }
}

// The largest logit and its token, of the chunks.
fn find_best() -> Measure {
  counts[t] = ALL;
  for (var c = t; c < CHUNKS; c += WG) {
    let chunk = chunks[sample * CHUNKS + c];
    offer(chunk.token, chunk.value);
  }
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (t < half) {
      offer(counts[t + half], masses[t + half]);
    }
  }
  return Measure(workgroupUniformLoad(&counts[0]), workgroupUniformLoad(&masses[0]));
}

// The token, of those that a cut keeps, up to which more than the target's mass is kept. Where
// everything is kept the span is found first, whose masses the chunks have.
fn token_at(cut: Cut, by_span: bool, target_mass: f32) -> u32 {
  var units = select(1u, SPAN, by_span);
  var low = 0u;
  var high = select(VOCABULARY, SPANS, by_span) - 1u;
  var start = 0.0;   // before the entries
  var before = 0.0;  // before `low`
  while (low < high || units > 1u) {
    if (low == high) {
      low *= units;
      high = min(low + units, VOCABULARY) - 1u;
      look_at(FROM_LOGITS, low, high + 1u - low);
      start = before;
      units = 1u;
      continue;
    }
    let middle = (low + high) / 2u;
    let mass = start + measure(cut, middle * units).mass;
    if (mass > target_mass) {
      high = middle;
    } else {
      low = middle + 1u;
      before = mass;
    }
  }
  return low;
}

// logit = (logit > 0 ? logit / repetition : logit * repetition) - count * frequency - presence
// for each distinct recent token, as llama.cpp does, and the chunks that have them; the logit before
// is kept. Threads that have tokens of one chunk write the same.
fn penalize(request: Request) {
  for (var i = t; i < request.recent_count; i += WG) {
    let at = request.recent_first + i;
    let place = sample * VOCABULARY + recent[at].token;
    let logit = logits[place];
    let repeated = select(logit * request.repetition, logit / request.repetition, logit > 0.0);
    recent[at].raw = logit;
    logits[place] = repeated - f32(recent[at].count) * request.frequency - request.presence;
  }
  storageBarrier();
  workgroupBarrier();
  for (var i = t; i < request.recent_count; i += WG) {
    let token = recent[request.recent_first + i].token;
    let c = token / SPAN * PARTS + token % PARTS;
    chunks[sample * CHUNKS + c] = chunk_of(sample, c, request);
  }
  storageBarrier();
  workgroupBarrier();
}

// Writes the entries that a cut keeps, the most probable first.
fn write_list(cut: Cut, count: u32, log_sum: f32) {
  let detail = RESULT_DETAILS + sample * DETAIL;
  result[detail + 1u] = count;
  for (var i = t; i < entries; i += WG) {
    let own = entry(i);
    if (!keeps(cut, own)) {
      continue;
    }
    var rank = 0u;
    for (var j = 0u; j < entries; j++) {
      let other = entry(j);
      rank += u32(other.key > own.key || (other.key == own.key && other.token < own.token));
    }
    result[detail + 2u + 2u * rank] = own.token;
    result[detail + 3u + 2u * rank] = bitcast<u32>(value_of(own.key) - log_sum);
  }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  t = local;
  sample = group.x;
  let request = requests[group.x];
  let listed_tokens = min(request.top_logprobs, VOCABULARY);
  var log_sum = 0.0;
  var token = ALL;
  // The first turn lists probabilities before penalties, the second chooses.
  for (var turn = select(1u, 0u, listed_tokens > 0u); turn < 2u; turn++) {
    let lists = turn == 0u;
    is_raw = lists;
    if (!lists && request.recent_count > 0u) {
      penalize(request);
    }
    let found = find_best();
    best = found.mass;
    // A NaN in a row reaches every logit of it, and so the largest one.
    let is_finite = (bitcast<u32>(found.mass) & 0x7f800000u) != 0x7f800000u;
    token = select(ALL, found.count, is_finite);
    if (!lists && (!is_finite || request.temperature == 0.0)) {
      break;
    }
    let by_span = !lists && keeps_all(request);
    let by_rank = lists || cuts_by_rank(request);
    let by_mass = !lists && cuts_by_mass(request);
    let rank = f32(select(request.top_k, listed_tokens, lists));
    let lowest_key = key_of(found.mass + request.log_min_p);
    scale = select(mass_scale(request), 1.0, lists);
    look_at(FROM_CHUNKS, 0u, CHUNKS);
    var cut = Cut(0u, ALL);
    var whole = measure(cut, ALL).mass;
    // By rank among the chunks: at least so many have a logit as large as the cut of their largest.
    // Then by rank among the logits that remain, and by mass.
    for (var stage = 0u; stage < 3u; stage++) {
      let is_mass = stage == 2u;
      if (stage == 1u && !by_span) {
        if (!by_rank) {
          // Tokens below `tail` have less than 1 - top_p of the mass together.
          let tail = found.mass - 1.0 - log(f32(VOCABULARY) / max(1.0 - request.top_p, 1e-7));
          cut.key = max(lowest_key, select(0u, key_of(tail), by_mass));
        }
        collect(cut.key);
      }
      if ((is_mass && !by_mass) || (!is_mass && !by_rank)) {
        continue;
      }
      if (is_mass && by_rank) {
        whole = measure(cut, ALL).mass;
      }
      cut = search(cut, key_of(found.mass), select(rank, request.top_p * whole, is_mass), is_mass);
      if (stage == 0u) {
        cut.last_token = ALL;
      }
    }
    if (lists) {
      log_sum = found.mass + log(whole);
      write_list(cut, listed_tokens, log_sum);
      workgroupBarrier();
      continue;
    }
    if (lowest_key > cut.key) {
      cut = Cut(lowest_key, ALL);
    }
    scale = 1.0 / request.temperature;
    let kept = measure(cut, ALL).mass;
    token = token_at(cut, by_span, min(request.random, 0.9999999) * kept);
  }
  if (local == 0u) {
    result[sample] = token;
    if (listed_tokens > 0u && token != ALL) {
      var raw = logits[sample * VOCABULARY + token];
      for (var i = 0u; i < request.recent_count; i++) {
        let other = recent[request.recent_first + i];
        raw = select(raw, other.raw, other.token == token);
      }
      result[RESULT_DETAILS + sample * DETAIL] = bitcast<u32>(raw - log_sum);
    }
  }
}
