/**
 * Tokens to text as they come. A token may end in the middle of a character:
 * its bytes wait for the rest, so that the texts returned, put together, are
 * exactly the bytes decoded at once.
 */
export class StreamingDecoder {
  readonly #bytesOf: (token: number) => Uint8Array;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(bytesOf: (token: number) => Uint8Array) {
    this.#bytesOf = bytesOf;
  }

  /** What can be shown now; "" while a character is incomplete. */
  push(token: number): string {
    return this.#decoder.decode(this.#bytesOf(token), { stream: true });
  }

  /** The rest: U+FFFD for a character that never became whole, else "". */
  finish(): string {
    return this.#decoder.decode();
  }
}
