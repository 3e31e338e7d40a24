/** Copies text, and shows that it did for a moment. */
import type { ReactiveController, ReactiveControllerHost } from "lit";

/** Long enough to notice. */
const SHOWN_MS = 2000;

export class CopyController implements ReactiveController {
  #timer: ReturnType<typeof setTimeout> | null = null;
  readonly #host: ReactiveControllerHost & HTMLElement;
  /** The copied text, while that is shown. */
  text: string | null = null;

  constructor(host: ReactiveControllerHost & HTMLElement) {
    this.#host = host;
    host.addController(this);
  }

  get done(): boolean {
    return this.text !== null;
  }

  hostDisconnected(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  copy(text: string): void {
    // Rejected without a user gesture or permission; then nothing is shown as copied.
    navigator.clipboard.writeText(text).then(
      () => this.#show(text),
      () => this.#show(null),
    );
  }

  #show(text: string | null): void {
    this.text = text;
    this.#host.requestUpdate();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.text = null;
      this.#host.requestUpdate();
    }, SHOWN_MS);
  }
}
