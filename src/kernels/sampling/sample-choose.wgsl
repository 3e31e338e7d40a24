// result[sample] = the token at `random` of the kept mass, in the order of tokens; the best one
// when greedy; ALL if the logits are not finite. And its logprob before penalties, and the most
// probable tokens, where probabilities are listed.
//
// Entries are ordered by value, equal ones by token. Thresholds are found by bisection over what
// is left: the logits that can be kept, as the chunks tell, are put into a list first. If they
// exceed it, the logits themselves are looked at. Exact for any vocabulary and settings.
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
    let value = select(chunk.value, chunk.raw, is_raw);
    let sum = select(chunk.sum, chunk.raw_sum, is_raw);
    return Entry(key_of(value), i / PARTS * SPAN, sum * exp((value - best) * scale));
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
  var low = widest;
  var high = best_key + 1u;
  var inside = 0u;
  var above = 0u;
  var by_token = false;
  var from_token = 0u;
  var last_token = 0u;
  loop {
    let m = measure(tried, ALL);
    let is_enough = m.count > 0u && select(f32(m.count), m.mass, by_mass) >= wanted;
    if (by_token) {
      if (is_enough) {
        last_token = tried.last_token;
      } else {
        from_token = tried.last_token + 1u;
      }
    } else {
      if (is_enough || tried.key == widest.key) {
        low = tried;
        inside = m.count;
      } else {
        high = tried.key;
        above = m.count;
      }
      if (inside - above <= 1u || (!by_mass && f32(inside) <= wanted)) {
        return low;
      }
      by_token = high - low.key <= 1u;
      last_token = min(low.last_token, VOCABULARY - 1u);
    }
    if (by_token && from_token >= last_token) {
      return Cut(low.key, last_token);
    }
    if (by_token) {
      tried = Cut(low.key, (from_token + last_token) / 2u);
    } else {
      tried = Cut(low.key + (high - low.key) / 2u, ALL);
    }
  }
}

fn look_at(from_where: u32, count: u32) {
  source = from_where;
  first = 0u;
  entries = count;
}

// Lists the logits from a key on; all logits where they are too many.
fn collect(key: u32) {
  if (t == 0u) {
    atomicStore(&listed, 0u);
  }
  workgroupBarrier();
  for (var c = t; c < CHUNKS; c += WG) {
    let chunk = chunks[sample * CHUNKS + c];
    if (key_of(select(chunk.value, chunk.raw, is_raw)) < key) {
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
    look_at(FROM_LIST, count);
  } else {
    look_at(FROM_LOGITS, VOCABULARY);
  }
}

// The first `wanted` entries: at least so many chunks have one that is as large as the cut of
// their largest.
fn cut_by_rank(best_key: u32, wanted: f32) -> Cut {
  look_at(FROM_CHUNKS, CHUNKS);
  let lowest = Cut(search(Cut(0u, ALL), best_key, wanted, false).key, ALL);
  collect(lowest.key);
  return search(lowest, best_key, wanted, false);
}

// The largest logit and its token, of the chunks.
fn find_best() -> Measure {
  var value = LOWEST;
  var token = ALL;
  for (var c = t; c < CHUNKS; c += WG) {
    let chunk = chunks[sample * CHUNKS + c];
    let own = select(chunk.value, chunk.raw, is_raw);
    let better = chunk.token != ALL && (token == ALL || own > value || (own == value && chunk.token < token));
    value = select(value, own, better);
    token = select(token, chunk.token, better);
  }
  counts[t] = token;
  masses[t] = value;
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (t < half) {
      let other = counts[t + half];
      let own = masses[t + half];
      let better = other != ALL && (counts[t] == ALL || own > masses[t] || (own == masses[t] && other < counts[t]));
      if (better) {
        counts[t] = other;
        masses[t] = own;
      }
    }
  }
  return Measure(workgroupUniformLoad(&counts[0]), workgroupUniformLoad(&masses[0]));
}

fn drawn(request: Request, best_key: u32, best_value: f32) -> u32 {
  scale = mass_scale(request);
  look_at(FROM_CHUNKS, CHUNKS);
  let all = measure(Cut(0u, ALL), ALL).mass;
  var cut = Cut(0u, ALL);
  if (keeps_all(request)) {
    // The span first, whose masses the chunks have.
    let target_mass = request.random * all;
    let span = token_at(cut, 0u, SPANS, SPAN, target_mass);
    let begin = span.count * SPAN;
    let end = min(begin + SPAN, VOCABULARY);
    look_at(FROM_LOGITS, end - begin);
    first = begin;
    return token_at(cut, begin, end, 1u, target_mass - span.mass).count;
  }
  let lowest_key = key_of(best_value + request.log_min_p);
  var whole = all;
  if (cuts_by_rank(request)) {
    cut = cut_by_rank(best_key, f32(request.top_k));
    whole = measure(cut, ALL).mass;
  } else {
    // Less likely tokens have less than 1 - top_p of the mass together.
    let tail = best_value - 1.0 - log(f32(VOCABULARY) / max(1.0 - request.top_p, 1e-7));
    cut.key = max(lowest_key, select(0u, key_of(tail), cuts_by_mass(request)));
    collect(cut.key);
  }
  if (cuts_by_mass(request)) {
    cut = search(cut, best_key, request.top_p * whole, true);
  }
  if (lowest_key > cut.key) {
    cut = Cut(lowest_key, ALL);
  }
  scale = 1.0 / request.temperature;
  let kept = measure(cut, ALL).mass;
  return token_at(cut, 0u, VOCABULARY, 1u, min(request.random, 0.9999999) * kept).count;
}

// The first token, in units, up to which more than the target's mass is kept; and the mass before it.
fn token_at(cut: Cut, begin: u32, end: u32, units: u32, target_mass: f32) -> Measure {
  var low = begin;
  var high = end - 1u;
  var before = 0.0;
  while (low < high) {
    let middle = (low + high) / 2u;
    let mass = measure(cut, middle * units).mass;
    if (mass > target_mass) {
      high = middle;
    } else {
      low = middle + 1u;
      before = mass;
    }
  }
  return Measure(low, before);
}

// Exchanges the recent tokens' logits before and after penalties.
fn exchange(request: Request) {
  for (var i = t; i < request.recent_count; i += WG) {
    let at = request.recent_first + i;
    let place = sample * VOCABULARY + recent[at].token;
    let other = recent[at].raw;
    recent[at].raw = logits[place];
    logits[place] = other;
  }
  storageBarrier();
  workgroupBarrier();
}

// Lists the most probable tokens before penalties; returns log(sum of e^logit).
fn list_probabilities(request: Request) -> f32 {
  exchange(request);
  is_raw = true;
  scale = 1.0;
  let raw_best = find_best().mass;
  best = raw_best;
  look_at(FROM_CHUNKS, CHUNKS);
  let log_sum = raw_best + log(measure(Cut(0u, ALL), ALL).mass);
  let wanted = min(request.top_logprobs, VOCABULARY);
  let cut = cut_by_rank(key_of(raw_best), f32(wanted));
  let detail = RESULT_DETAILS + sample * DETAIL;
  for (var i = t; i < entries; i += WG) {
    let own = entry(i);
    if (keeps(cut, own)) {
      var rank = 0u;
      for (var j = 0u; j < entries; j++) {
        let other = entry(j);
        rank += u32(other.key > own.key || (other.key == own.key && other.token < own.token));
      }
      result[detail + 2u + 2u * rank] = own.token;
      result[detail + 3u + 2u * rank] = bitcast<u32>(value_of(own.key) - log_sum);
    }
  }
  result[detail + 1u] = wanted;
  workgroupBarrier();
  exchange(request);
  is_raw = false;
  return log_sum;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  t = local;
  sample = group.x;
  let request = requests[group.x];
  var log_sum = 0.0;
  if (request.top_logprobs > 0u) {
    log_sum = list_probabilities(request);
  }
  let found = find_best();
  best = found.mass;
  var token = found.count;
  // A NaN in a row reaches every logit of it, and so the largest one.
  if ((bitcast<u32>(found.mass) & 0x7f800000u) == 0x7f800000u) {
    token = ALL;
  } else if (request.temperature > 0.0) {
    token = drawn(request, key_of(found.mass), found.mass);
  }
  if (local == 0u) {
    result[sample] = token;
    if (request.top_logprobs > 0u && token != ALL) {
      var raw = logits[sample * VOCABULARY + token];
      for (var i = 0u; i < request.recent_count; i++) {
        let other = recent[request.recent_first + i];
        raw = select(raw, other.raw, other.token == token);
      }
      result[RESULT_DETAILS + sample * DETAIL] = bitcast<u32>(raw - log_sum);
    }
  }
}
