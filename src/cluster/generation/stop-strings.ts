/**
 * Ends a text before a stop string, and holds back text that may become one. Knows no
 * tokens.
 */
export class StopStrings {
  readonly #stops: readonly string[];
  #held = "";
  #stopped = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop.length > 0);
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** The text that certainly belongs to the answer after `text` is added. */
  push(text: string): string {
    if (this.#stopped) return "";
    this.#held += text;
    const at = this.#firstStop();
    if (at !== null) {
      this.#stopped = true;
      return this.#take(at);
    }
    return this.#take(this.#held.length - this.#mayGrow());
  }

  /** The text that was held back, after the last `push`. */
  flush(): string {
    return this.#stopped ? "" : this.#take(this.#held.length);
  }

  #firstStop(): number | null {
    const found = this.#stops.map((stop) => this.#held.indexOf(stop)).filter((at) => at >= 0);
    return found.length > 0 ? Math.min(...found) : null;
  }

  /** The length of the longest suffix of the held text that begins a stop string. */
  #mayGrow(): number {
    const longest = Math.max(0, ...this.#stops.map((stop) => stop.length - 1));
    for (let length = Math.min(longest, this.#held.length); length > 0; length--) {
      const end = this.#held.slice(-length);
      if (this.#stops.some((stop) => stop.startsWith(end))) return length;
    }
    return 0;
  }

  #take(length: number): string {
    const taken = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return taken;
  }
}
