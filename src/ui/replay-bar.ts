/** Steps through a saved log: a slider over its events, and the event in words. */
import { css, html } from "lit";
import { baseStyles } from "./base-styles.ts";
import { iconButton, mark } from "./icons.ts";
import { PageElement } from "./page-element.ts";

export class ReplayBar extends PageElement {
  #show(position: number): void {
    this.send({ type: "show_log_at", position });
  }

  override render() {
    const { position = 0, length = 0, event = null } = this.view.replay ?? {};
    const text = event ?? "Before the first event.";
    return html`<header>
      <h1 class="line">${mark(26)} <span>Log of room ${this.view.state?.room}</span></h1>
      <div class="steps">
        <button
          class="compact"
          ?disabled=${position === 0}
          @click=${() => this.#show(position - 1)}
        >
          Previous
        </button>
        <input
          type="range"
          aria-label="Event"
          aria-valuetext=${`${position} of ${length}: ${text}`}
          min="0"
          max=${length}
          .value=${String(position)}
          @input=${({ target }: InputEvent) => this.#show((target as HTMLInputElement).valueAsNumber)}
        />
        <button
          class="compact"
          ?disabled=${position === length}
          @click=${() => this.#show(position + 1)}
        >
          Next
        </button>
        ${iconButton("Close the log", "close", () => this.send({ type: "close_log" }))}
      </div>
      <p role="status"><b class="figure">${position} of ${length}</b> ${text}</p>
    </header>`;
  }

  static override styles = [
    baseStyles,
    css`
      header {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        align-items: center;
        gap: var(--gap-s) var(--gap-xl);
        padding: var(--gap-m) var(--gap-xl);
        border-bottom: 1px solid var(--line);
        background: var(--surface);
      }
      .steps {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr) auto auto;
        align-items: center;
        gap: var(--gap-s);
      }
      input {
        width: 100%;
        accent-color: var(--spruce);
      }
      p {
        grid-column: 1 / -1;
        min-height: 2.8em;
      }
      p b {
        margin-inline-end: var(--gap-s);
        color: var(--ink-quiet);
      }
      @media (max-width: 44rem) {
        header {
          grid-template-columns: minmax(0, 1fr);
          padding-inline: var(--gap-m);
        }
      }
    `,
  ];
}
customElements.define("tabmesh-replay", ReplayBar);
