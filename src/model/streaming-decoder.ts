/**
 * Tokens to text, one at a time. A token may end within a character; its bytes wait
 * for the remaining ones, so that the texts together equal all bytes decoded at once.
 */
export class StreamingDecoder {
  readonly #bytesOf: (token: number) => Uint8Array;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(bytesOf: (token: number) => Uint8Array) {
    this.#bytesOf = bytesOf;
  }

  /** The text that is complete; "" while a character is incomplete. */
  push(token: number): string {
    return this.#decoder.decode(this.#bytesOf(token), { stream: true });
  }

  /** U+FFFD for a character that remained incomplete, otherwise "". */
  finish(): string {
    return this.#decoder.decode();
  }
}
