/** Copies text and tells its element for a moment that it did. */
import type { ReactiveController, ReactiveControllerHost } from "lit";

/** Long enough to be read, short enough not to be taken for a state. */
const SHOWN_MS = 2000;

export class CopyController implements ReactiveController {
  private timer: ReturnType<typeof setTimeout> | null = null;
  private readonly host: ReactiveControllerHost & HTMLElement;
  /** What was copied, while that is shown. */
  text: string | null = null;

  constructor(host: ReactiveControllerHost & HTMLElement) {
    this.host = host;
    host.addController(this);
  }

  get done(): boolean {
    return this.text !== null;
  }

  hostDisconnected(): void {
    if (this.timer !== null) clearTimeout(this.timer);
  }

  copy(text: string): void {
    // Refused without a user's gesture or permission: then nothing is shown as copied.
    navigator.clipboard.writeText(text).then(
      () => this.show(text),
      () => this.show(null),
    );
  }

  private show(text: string | null): void {
    this.text = text;
    this.host.requestUpdate();
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.text = null;
      this.host.requestUpdate();
    }, SHOWN_MS);
  }
}
