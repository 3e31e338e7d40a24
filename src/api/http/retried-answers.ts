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
  /** The method, path, and body: a key names one request. */
  readonly request: string;
  readonly abort: AbortController;
  readonly answer: Promise<RecordedAnswer>;
  cancelTimer: () => void;
  clients: number;
};

export class RetriedAnswers {
  readonly #kept = new Map<string, Kept>();

  /**
   * The response to `request`, begun with `begin` unless its key is known. Without a key, the answer
   * ends with its client.
   */
  async respond(
    request: Request,
    begin: (request: Request, signal: AbortSignal) => Promise<Response>,
  ): Promise<Response> {
    const key = request.headers.get("idempotency-key");
    if (key === null) return begin(request, request.signal);
    if (key.length > MAX_KEY_CHARACTERS) {
      const detail = `longer than ${MAX_KEY_CHARACTERS} characters`;
      throw new ApiProblemError({ reason: "invalid_value", param: "Idempotency-Key", detail });
    }
    const body = await request.clone().text();
    const named = `${new URL(request.url).pathname} ${body}`;
    const kept = this.#kept.get(key) ?? this.#begin(key, named, request, begin);
    if (kept.request !== named) {
      const detail = "another request has this key";
      throw new ApiProblemError({ reason: "invalid_value", param: "Idempotency-Key", detail });
    }
    return this.#serve(kept, request.signal);
  }

  #begin(
    key: string,
    named: string,
    request: Request,
    begin: (request: Request, signal: AbortSignal) => Promise<Response>,
  ): Kept {
    const abort = new AbortController();
    const forget = () => {
      if (this.#kept.get(key) === kept) this.#kept.delete(key);
    };
    const answer = begin(request, abort.signal).then(
      (response) => new RecordedAnswer(response, abort.signal, forget),
    );
    const kept: Kept = {
      request: named,
      abort,
      answer,
      cancelTimer: () => undefined,
      clients: 0,
    };
    abort.signal.addEventListener("abort", forget);
    // What failed may succeed when it is tried again.
    answer
      .then(async (recorded) => {
        if (recorded.status >= 400 || !(await recorded.isComplete)) forget();
      })
      .catch(forget);
    this.#kept.set(key, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) {
      const forgotten = this.#kept.get(oldest);
      this.#kept.delete(oldest);
      if (forgotten?.clients === 0) forgotten.abort.abort();
    }
    return kept;
  }

  async #serve(kept: Kept, signal: AbortSignal): Promise<Response> {
    kept.cancelTimer();
    kept.clients += 1;
    let here = true;
    const leave = () => {
      if (!here) return;
      here = false;
      kept.clients -= 1;
      if (kept.clients > 0) return;
      const timer = setTimeout(() => kept.abort.abort(), KEPT_MS);
      kept.cancelTimer = () => clearTimeout(timer);
    };
    signal.addEventListener("abort", leave);
    if (signal.aborted) leave();
    try {
      return (await kept.answer).replay(leave);
    } catch (error) {
      leave();
      throw error;
    }
  }
}

/** A response whose body can be read several times, each time from its beginning, while it grows. */
class RecordedAnswer {
  readonly status: number;
  /** Whether all of it was received, and is kept. */
  readonly isComplete: Promise<boolean>;
  readonly #headers: Headers;
  readonly #signal: AbortSignal;
  /** What is kept of the body, and how many pieces before it are not. */
  #pieces: Uint8Array[] = [];
  #dropped = 0;
  #bytes = 0;
  /** The next piece of each reader. */
  readonly #readers = new Set<{ next: number }>();
  #end: { readonly error: unknown } | null = null;
  #waiting: (() => void)[] = [];
  readonly #onTooLong: () => void;

  /** `onTooLong`: it cannot be read from its beginning any more. */
  constructor({ status, headers, body }: Response, signal: AbortSignal, onTooLong: () => void) {
    this.status = status;
    this.#headers = headers;
    this.#signal = signal;
    this.#onTooLong = onTooLong;
    signal.addEventListener("abort", () => this.#wake());
    this.isComplete = this.#read(body);
  }

  /** Calls `onEnd` when this reader has read all, or reads no more. */
  replay(onEnd: () => void): Response {
    const reader = { next: 0 };
    this.#readers.add(reader);
    const end = () => {
      this.#readers.delete(reader);
      this.#wake();
      onEnd();
    };
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const isBehind = () => reader.next < this.#dropped + this.#pieces.length;
        while (!isBehind() && this.#end === null) await this.#change();
        const piece = this.#pieces[reader.next - this.#dropped];
        if (piece !== undefined) {
          reader.next += 1;
          this.#trim();
          return controller.enqueue(piece);
        }
        end();
        if (this.#end?.error) controller.error(this.#end.error);
        else controller.close();
      },
      cancel: end,
    });
    return new Response(body, { status: this.status, headers: this.#headers });
  }

  async #read(body: Response["body"]): Promise<boolean> {
    try {
      const reader = body?.getReader();
      for (;;) {
        const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
        if (done || value === undefined) break;
        this.#pieces.push(value);
        this.#bytes += value.length;
        this.#wake();
        this.#trim();
        while (this.#bytes > MAX_KEPT_BYTES && !this.#signal.aborted) await this.#change();
      }
      this.#end = { error: null };
    } catch (error) {
      this.#end = { error };
    }
    this.#wake();
    return this.#end.error === null && this.#dropped === 0;
  }

  /** Beyond the limit, what all readers have read is dropped. */
  #trim(): void {
    if (this.#bytes <= MAX_KEPT_BYTES && this.#dropped === 0) return;
    if (this.#dropped === 0) this.#onTooLong();
    const read = Math.min(...[...this.#readers].map(({ next }) => next));
    const count = Number.isFinite(read) ? read - this.#dropped : 0;
    const dropped = this.#pieces.splice(0, count);
    this.#dropped += dropped.length;
    this.#bytes -= dropped.reduce((sum, { length }) => sum + length, 0);
    if (dropped.length > 0) this.#wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    this.#waiting.splice(0).forEach((resolve) => resolve());
  }
}

/** A seed for requests without one: a retry at another coordinator gives the same answer. FNV-1a. */
export function seedOfKey(key: string): number {
  let hash = 0x811c_9dc5;
  for (const character of key) {
    hash = Math.imul(hash ^ character.codePointAt(0)!, 0x0100_0193);
  }
  return hash >>> 0;
}
