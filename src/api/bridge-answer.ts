/**
 * One HTTP response on its way over the bridge, in chunks. The server pauses and resumes
 * it as its HTTP client reads, and cancels it when the client disconnects.
 */
import { MAX_CHUNK_CHARACTERS } from "../shared/index.ts";

export class BridgeAnswer {
  readonly #abort = new AbortController();
  #resumed: Promise<void> = Promise.resolve();
  #resume: (() => void) | null = null;

  /** Aborts when nobody waits for the response any more. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  cancel(): void {
    this.#abort.abort();
    this.resume();
  }

  pause(): void {
    if (this.#resume !== null || this.signal.aborted) return;
    this.#resumed = new Promise((resolve) => (this.#resume = resolve));
  }

  resume(): void {
    this.#resume?.();
    this.#resume = null;
  }

  /** The chunks of `body`; reads no more of it while paused, and ends when cancelled. */
  async *chunks(body: NonNullable<Response["body"]>): AsyncGenerator<string, void> {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    while (!this.signal.aborted) {
      const { value, done } = await reader.read();
      if (done) return;
      for (const chunk of pieces(value)) {
        await this.#resumed;
        if (this.signal.aborted) break;
        yield chunk;
      }
    }
    await reader.cancel();
  }
}

/** `text` in parts that fit a message, none of which begins in the middle of a character. */
function* pieces(text: string): Generator<string, void> {
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + MAX_CHUNK_CHARACTERS, text.length);
    const last = text.charCodeAt(end - 1);
    const isHalf = last >= 0xd800 && last <= 0xdbff;
    if (isHalf && end < text.length) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
}
