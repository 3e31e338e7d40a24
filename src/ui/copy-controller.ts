/** Copies text, and shows for a moment that it was copied. */
import type { ReactiveController, ReactiveControllerHost } from "lit";

/** Long enough to notice. */
const SHOWN_MS = 2000;

export class CopyController implements ReactiveController {
  #timer: ReturnType<typeof setTimeout> | null = null;
  readonly #host: ReactiveControllerHost & HTMLElement;
  /** Whether text was copied less than `SHOWN_MS` ago. */
  done = false;

  constructor(host: ReactiveControllerHost & HTMLElement) {
    this.#host = host;
    host.addController(this);
  }

  hostDisconnected(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  copy(text: string): void {
    // Rejected without a user gesture or permission; then nothing is shown as copied.
    navigator.clipboard.writeText(text).then(
      () => this.#show(true),
      () => this.#show(false),
    );
  }

  #show(done: boolean): void {
    this.done = done;
    this.#host.requestUpdate();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.done = false;
      this.#host.requestUpdate();
    }, SHOWN_MS);
  }
}
