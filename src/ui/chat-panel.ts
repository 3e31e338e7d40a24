/**
 * The conversation. Follows the answer while the reader is at its end, and
 * holds still when they have scrolled up to read. A screen reader hears whole
 * sentences as they are finished, not single tokens.
 */
import { css, html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import type { PageView } from "./page-view.ts";
import { AnswerAnnouncer } from "./answer-announcer.ts";
import { baseStyles } from "./base-styles.ts";
import "./chat-message.ts";
import { icon } from "./icons.ts";
import { PageElement } from "./page-element.ts";

/** This near the end counts as being at it. */
const END_PX = 48;

/** Why nothing can be asked now; null when something can. */
export function cannotAsk({ state, connection }: PageView): string | null {
  if (connection === "lost")
    return "The connection to the room is lost. You can chat again once it is restored.";
  const placement = state?.placement ?? null;
  if (placement === null) return "Choose a model to start chatting.";
  if (placement.error !== null)
    return "The model could not be placed. See the error under Placement.";
  return null;
}

export class ChatPanel extends PageElement {
  static override properties = { text: { state: true }, atEnd: { state: true } };
  declare text: string;
  declare atEnd: boolean;
  readonly #announcer = new AnswerAnnouncer();

  constructor() {
    super();
    this.text = "";
    this.atEnd = true;
  }

  get #answering(): boolean {
    const status = this.view.chat.at(-1)?.status;
    return status === "queued" || status === "streaming";
  }

  #ask(text: string): void {
    if (text.trim() === "" || this.#answering || cannotAsk(this.view) !== null) return;
    this.send({ type: "send_message", text: text.trim() });
    this.atEnd = true;
  }

  readonly #submit = (event?: Event): void => {
    event?.preventDefault();
    if (this.text.trim() === "" || this.#answering || cannotAsk(this.view) !== null) return;
    this.#ask(this.text);
    this.text = "";
  };

  readonly #key = (event: KeyboardEvent): void => {
    // Enter that ends a composition (Chinese, Japanese) chooses a word and sends nothing.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    this.#submit(event);
  };

  #retry(index: number): void {
    const asked = this.view.chat.slice(0, index).findLast(({ role }) => role === "user");
    if (asked !== undefined) this.#ask(asked.text);
  }

  readonly #scrolled = (event: Event): void => {
    const log = event.target as HTMLElement;
    this.atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < END_PX;
  };

  #toEnd(): void {
    const log = this.renderRoot.querySelector(".log");
    if (log !== null) log.scrollTop = log.scrollHeight;
  }

  override updated(): void {
    if (!this.atEnd) return;
    // The messages render after this element does; their heights count.
    const messages = [...this.renderRoot.querySelectorAll("tabmesh-message")];
    const rendered = messages.map((message) => message.updateComplete);
    Promise.all(rendered).then(
      () => {
        if (this.atEnd) this.#toEnd();
      },
      (error: unknown) => reportError(error),
    );
  }

  override render() {
    const { chat } = this.view;
    return html`<section aria-labelledby="title">
      <header>
        <h2 id="title">Chat</h2>
        ${
          chat.length === 0
            ? nothing
            : html`<button
                class="plain compact"
                ?disabled=${this.#answering}
                @click=${() => this.send({ type: "clear_chat" })}
              >
                Clear
              </button>`
        }
      </header>
      <div
        class="log"
        role="log"
        aria-live="off"
        aria-label="Conversation"
        tabindex="0"
        @scroll=${this.#scrolled}
      >
        ${chat.length === 0 ? this.#empty() : nothing}
        ${chat.map(
          (message, index) =>
            html`<tabmesh-message
              .message=${message}
              .isLast=${index === chat.length - 1}
              @retry=${() => this.#retry(index)}
              @continue=${() => this.#ask("Continue.")}
            ></tabmesh-message>`,
        )}
      </div>
      <div class="unseen" aria-live="polite">${this.#announcer.next(chat.at(-1))}</div>
      ${this.atEnd ? nothing : this.#latest()} ${this.#composer()}
    </section>`;
  }

  #latest() {
    return html`<button
      class="compact latest"
      @click=${() => {
        this.atEnd = true;
        this.#toEnd();
      }}
    >
      ${icon("down")} Jump to latest
    </button>`;
  }

  #empty() {
    const problem = cannotAsk(this.view);
    return html`<div class="empty">
      <p class="big">Ask the model.</p>
      <p class="quiet">
        ${problem ?? "Every token of the answer passes through each machine that runs layers."}
      </p>
    </div>`;
  }

  #composer() {
    const problem = cannotAsk(this.view);
    return html`<form @submit=${this.#submit}>
      <label class="unseen" for="message">Your message</label>
      <textarea
        id="message"
        rows="1"
        placeholder=${problem ?? "Ask a question"}
        .value=${live(this.text)}
        @input=${(event: Event) => (this.text = (event.target as HTMLTextAreaElement).value)}
        @keydown=${this.#key}
        aria-describedby="keys"
      ></textarea>
      <span id="keys" class="unseen">Press Enter to send and Shift+Enter for a new line.</span>
      ${
        this.#answering
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
              ?disabled=${problem !== null || this.text.trim() === ""}
            >
              ${icon("send")}
            </button>`
      }
    </form>`;
  }

  static override styles = [
    baseStyles,
    css`
      :host {
        height: 100%;
      }
      section {
        position: relative;
        display: flex;
        flex-direction: column;
        height: 100%;
        min-height: 0;
      }
      header {
        display: flex;
        align-items: center;
        justify-content: space-between;
        min-height: 3rem;
        padding: var(--gap-s) var(--gap-l);
      }
      .log {
        flex: 1;
        min-height: 0;
        display: flex;
        flex-direction: column;
        gap: var(--gap-l);
        padding: var(--gap-xs) var(--gap-l) var(--gap-l);
        overflow-y: auto;
        overscroll-behavior: contain;
      }
      .log:focus-visible {
        outline-offset: -2px;
      }
      .empty {
        margin: auto 0;
        padding-block: var(--gap-xl);
      }
      .big {
        font-size: var(--text-xl);
        font-weight: 680;
        letter-spacing: -0.025em;
      }
      .latest {
        position: absolute;
        bottom: 5rem;
        left: 50%;
        translate: -50%;
        background: var(--surface);
        border-color: var(--line);
        box-shadow: 0 4px 14px rgb(0 0 0 / 0.16);
      }
      .latest:hover:not(:disabled) {
        background: var(--sunken);
      }
      form {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        align-items: end;
        gap: var(--gap-s);
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
      textarea:focus-visible {
        outline: none;
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
customElements.define("tabmesh-chat", ChatPanel);
