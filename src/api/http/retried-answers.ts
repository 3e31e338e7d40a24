/**
 * Completions by the `Idempotency-Key` of their request: one that is sent again gets the answer that
 * its key already has, from the beginning, and the room computes it once. An answer outlives its
 * client for a while, in case that the client comes back. Kept in this tab only: after a change of the
 * coordinator the answer is computed again, with the same seed and so with the same tokens.
 */
import { ApiProblemError } from "./errors.ts";

/** How long a retry may take to come: after the loss of the client, and after the end of the answer. */
const KEPT_MS = 60_000;
/** The oldest are forgotten first. */
const MAX_KEPT = 64;
/** Of one answer; a longer one cannot be sent again from its beginning. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

const MAX_KEY_CHARACTERS = 255;

type Kept = {
  /** The path and the body: a key names one request. */
  readonly request: string;
  /** Stays unread: each client reads a clone, from its beginning. */
  readonly response: Promise<Response>;
  readonly abort: AbortController;
  /** Those that have not disconnected. */
  clients: number;
  abortTimer: ReturnType<typeof setTimeout> | undefined;
};

type Begin = (request: Request, signal: AbortSignal) => Promise<Response>;

export class RetriedAnswers {
  readonly #kept = new Map<string, Kept>();

  /**
   * The response to `request`, begun with `begin` unless its key is known. Without a key, the answer
   * ends with its client.
   */
  async respond(request: Request, begin: Begin): Promise<Response> {
    const key = request.headers.get("idempotency-key");
    if (key === null) return begin(request, request.signal);
    if (key.length > MAX_KEY_CHARACTERS)
      throw invalidKey(`longer than ${MAX_KEY_CHARACTERS} characters`);
    const body = await request.clone().text();
    const named = `${new URL(request.url).pathname} ${body}`;
    const kept = this.#kept.get(key) ?? this.#begin(key, named, request, begin);
    if (kept.request !== named) throw invalidKey("another request has this key");
    addClient(kept, request.signal);
    const clone = (await kept.response).clone();
    // A clone's own body ends its `cancel` only when all clones are cancelled.
    return new Response(clone.body?.pipeThrough(new TransformStream()), clone);
  }

  #begin(key: string, named: string, request: Request, begin: Begin): Kept {
    const abort = new AbortController();
    const response = begin(request, abort.signal);
    const kept: Kept = { request: named, response, abort, clients: 0, abortTimer: undefined };
    const forget = () => {
      if (this.#kept.get(key) === kept) this.#kept.delete(key);
    };
    abort.signal.addEventListener("abort", forget);
    followToEnd(response, forget).catch(forget);
    this.#kept.set(key, kept);
    const [oldest] = this.#kept;
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) {
      const [oldestKey, forgotten] = oldest;
      this.#kept.delete(oldestKey);
      if (forgotten.clients === 0) forgotten.abort.abort();
    }
    return kept;
  }
}

/** Counts a client until its signal aborts. An answer without clients is aborted after a while. */
function addClient(kept: Kept, signal: AbortSignal): void {
  clearTimeout(kept.abortTimer);
  kept.clients += 1;
  const leave = () => {
    kept.clients -= 1;
    if (kept.clients === 0) kept.abortTimer = setTimeout(() => kept.abort.abort(), KEPT_MS);
  };
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave, { once: true });
}

/** Calls `forget` when `answer` failed, since it may succeed later, when it is too long, or some time after its end. */
async function followToEnd(answer: Promise<Response>, forget: () => void): Promise<void> {
  const { ok, body } = (await answer).clone();
  if (!ok) return forget();
  let bytes = 0;
  const counter = new WritableStream<Uint8Array>({
    write: ({ length }) => {
      bytes += length;
      if (bytes > MAX_KEPT_BYTES) forget();
    },
  });
  await body?.pipeTo(counter);
  setTimeout(forget, KEPT_MS);
}

function invalidKey(detail: string): ApiProblemError {
  return new ApiProblemError({ reason: "invalid_value", param: "Idempotency-Key", detail });
}

/** A seed for requests without one: a retry at another coordinator gives the same answer. FNV-1a. */
export function seedOfKey(key: string): number {
  let hash = 0x811c_9dc5;
  for (const character of key) {
    hash = Math.imul(hash ^ character.codePointAt(0)!, 0x0100_0193);
  }
  return hash >>> 0;
}
