/** The field for a message. Emits `ask` with its text, and stops the answer being written. */
import { css, html } from "lit";
import { live } from "lit/directives/live.js";
import { baseStyles } from "./base-styles.ts";
import { icon } from "./icons.ts";
import { PageElement } from "./page-element.ts";
import type { PageView } from "./page-view.ts";
import { describeInputProblem } from "../words/index.ts";

export function isAnswering({ chat }: PageView): boolean {
  const status = chat.at(-1)?.status;
  return status === "queued" || status === "streaming";
}

/** Why no message can be sent now; null if one can. */
export function cannotAsk({ state, connection }: PageView): string | null {
  if (connection === "lost") return describeInputProblem({ kind: "connection_lost" });
  const placement = state?.placement ?? null;
  if (placement === null) return describeInputProblem({ kind: "no_model" });
  return placement.error === null ? null : describeInputProblem({ kind: "model_not_placed" });
}

export class ChatComposer extends PageElement {
  protected override readonly live = ["chat"] as const;
  static override properties = { text: { state: true } };
  declare text?: string;

  readonly #submit = (event: Event): void => {
    event.preventDefault();
    const text = this.text?.trim() ?? "";
    if (text === "" || isAnswering(this.view) || cannotAsk(this.view) !== null) return;
    this.emit("ask", text);
    this.text = "";
  };

  readonly #key = (event: KeyboardEvent): void => {
    // Enter that ends a composition (Chinese, Japanese) selects a word and does not send.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    this.#submit(event);
  };

  readonly #input = (event: Event): void => {
    this.text = (event.target as HTMLTextAreaElement).value;
  };

  override render() {
    const problem = cannotAsk(this.view);
    return html`<form class="field-row" @submit=${this.#submit}>
      <label class="unseen" for="message">Your message</label>
      <textarea
        id="message"
        rows="1"
        placeholder=${problem ?? "Ask a question"}
        .value=${live(this.text ?? "")}
        @input=${this.#input}
        @keydown=${this.#key}
        aria-describedby="keys"
      ></textarea>
      <span id="keys" class="unseen">Press Enter to send and Shift+Enter for a new line.</span>
      ${
        isAnswering(this.view)
          ? html`<button
              type="button"
              class="icon round"
              aria-label="Stop generating"
              @click=${() => this.send({ type: "stop_answer" })}
            >
              ${icon("stop")}
            </button>`
          : html`<button
              class="icon round primary"
              aria-label="Send"
              ?disabled=${problem !== null || !this.text?.trim()}
            >
              ${icon("send")}
            </button>`
      }
    </form>`;
  }

  static override styles = [
    baseStyles,
    css`
      form {
        align-items: end;
        margin: 0 var(--gap-m) var(--gap-m);
        padding: 0.3rem;
        border: 1px solid var(--line-strong);
        border-radius: 14px;
        background: var(--surface);
      }
      form:focus-within {
        border-color: var(--spruce);
        box-shadow: 0 0 0 1px var(--spruce);
      }
      textarea {
        field-sizing: content;
        max-height: 11rem;
        padding: 0.5rem 0.6rem;
        border: 0;
        background: none;
        resize: none;
        outline: none;
      }
      .round {
        border-radius: 10px;
      }
      .round:not(.primary) {
        border-color: var(--line-strong);
      }
    `,
  ];
}
customElements.define("tabmesh-composer", ChatComposer);
