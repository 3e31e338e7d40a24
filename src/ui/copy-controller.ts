/** Copies text, and shows for a moment that it was copied. */
import type { ReactiveControllerHost } from "lit";

/** Long enough to notice. */
const SHOWN_MS = 2000;

export class CopyController {
  readonly #host: Pick<ReactiveControllerHost, "requestUpdate">;
  /** Whether text was copied less than `SHOWN_MS` ago. */
  done = false;

  constructor(host: Pick<ReactiveControllerHost, "requestUpdate">) {
    this.#host = host;
  }

  copy(text: string): void {
    // Rejected without a user gesture or permission; then nothing is shown as copied.
    navigator.clipboard.writeText(text).then(
      () => {
        this.#show(true);
        setTimeout(() => this.#show(false), SHOWN_MS);
      },
      () => this.#show(false),
    );
  }

  #show(done: boolean): void {
    this.done = done;
    this.#host.requestUpdate();
  }
}
