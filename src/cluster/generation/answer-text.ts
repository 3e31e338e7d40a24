/** The text of an answer, token by token: whole characters only, up to a stop string. */
import type { ModelText, TokenDecoder } from "../parts.ts";
import { StopStrings } from "./stop-strings.ts";

export class AnswerText {
  readonly #decoder: TokenDecoder;
  readonly #stops: StopStrings;

  constructor(text: ModelText, stops: readonly string[]) {
    this.#decoder = text.decoder();
    this.#stops = new StopStrings(stops);
  }

  get stopped(): boolean {
    return this.#stops.stopped;
  }

  push(token: number): string {
    return this.#stops.push(this.#decoder.push(token));
  }

  flush(): string {
    return this.#stops.push(this.#decoder.flush()) + this.#stops.flush();
  }
}
