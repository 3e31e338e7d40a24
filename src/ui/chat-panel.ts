/**
 * The conversation, and the field for a message. Scrolls with the answer while its end is visible,
 * and stays where it is after the reader scrolled up. A screen reader announces complete sentences,
 * not tokens.
 *
 * Over 250 lines: the field, the scroll position, and the announcements follow the same answer.
 */
import { css, html, nothing } from "lit";
import { live } from "lit/directives/live.js";
import { AnswerAnnouncer } from "./answer-announcer.ts";
import { baseStyles } from "./base-styles.ts";
import "./chat-message.ts";
import { icon } from "./icons.ts";
import { PageElement } from "./page-element.ts";
import type { PageView } from "./page-view.ts";
import { describeInputProblem } from "../words/index.ts";

/** A reader who is at most this far from the end is at the end. */
const END_PX = 48;

function isAnswering({ chat }: PageView): boolean {
  const status = chat.at(-1)?.status;
  return status === "queued" || status === "streaming";
}

/** Why no message can be sent now; null if one can. */
function cannotAsk({ state, connection }: PageView): string | null {
  if (connection === "lost") return describeInputProblem({ kind: "connection_lost" });
  const placement = state?.placement ?? null;
  if (placement === null) return describeInputProblem({ kind: "no_model" });
  return placement.error === null ? null : describeInputProblem({ kind: "model_not_placed" });
}

export class ChatPanel extends PageElement {
  protected override readonly live = ["chat"] as const;
  static override properties = { isScrolledUp: { state: true }, text: { state: true } };
  declare isScrolledUp?: boolean;
  /** The message that is being written. */
  declare text?: string;
  readonly #announcer = new AnswerAnnouncer();

  /** Whether it was sent. */
  #ask(text: string): boolean {
    if (isAnswering(this.view) || cannotAsk(this.view) !== null) return false;
    this.send({ type: "send_message", text });
    this.isScrolledUp = false;
    return true;
  }

  readonly #submit = (event: Event): void => {
    event.preventDefault();
    const text = this.text?.trim() ?? "";
    if (text !== "" && this.#ask(text)) this.text = "";
  };

  readonly #key = (event: KeyboardEvent): void => {
    // Enter that ends a composition (Chinese, Japanese) selects a word and does not send.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    this.#submit(event);
  };

  readonly #input = (event: Event): void => {
    this.text = (event.target as HTMLTextAreaElement).value;
  };

  readonly #scrolled = (event: Event): void => {
    const log = event.target as HTMLElement;
    this.isScrolledUp = log.scrollHeight - log.scrollTop - log.clientHeight >= END_PX;
  };

  #toEnd(): void {
    const log = this.renderRoot.querySelector(".log");
    if (log !== null) log.scrollTop = log.scrollHeight;
  }

  override updated(): void {
    if (this.isScrolledUp) return;
    // The messages render after this element does; their heights count.
    const messages = [...this.renderRoot.querySelectorAll("tabmesh-message")];
    const rendered = messages.map((message) => message.updateComplete);
    Promise.all(rendered).then(
      () => {
        if (!this.isScrolledUp) this.#toEnd();
      },
      (error: unknown) => reportError(error),
    );
  }

  override render() {
    const { chat } = this.view;
    return html`<section aria-labelledby="title">
      <header class="line spread">
        <h2 id="title">Chat</h2>
        ${
          chat.length === 0
            ? nothing
            : html`<button
                class="plain compact"
                ?disabled=${isAnswering(this.view)}
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
              @retry=${() => this.#ask(chat.findLast(({ role }) => role === "user")?.text ?? "")}
              @continue=${() => this.#ask("Continue.")}
            ></tabmesh-message>`,
        )}
      </div>
      <div class="unseen" aria-live="polite">${this.#announcer.next(chat.at(-1))}</div>
      ${this.isScrolledUp ? this.#latest() : nothing} ${this.#composer()}
    </section>`;
  }

  #composer() {
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

  #latest() {
    return html`<button
      class="compact latest"
      @click=${() => {
        this.isScrolledUp = false;
        this.#toEnd();
      }}
    >
      ${icon("down")} Jump to latest
    </button>`;
  }

  #empty() {
    const problem = cannotAsk(this.view);
    return html`<div class="empty">
      <p class="headline">Ask the model.</p>
      <p class="quiet">
        ${problem ?? "Every token of the answer passes through each machine that runs layers."}
      </p>
    </div>`;
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
customElements.define("tabmesh-chat", ChatPanel);
