/** One message: its text, how it went, how fast it came. */
import { css, html, LitElement, nothing } from "lit";
import type { ChatMessage } from "../shared/index.ts";
import { baseStyles } from "./base-styles.ts";
import { CopyController } from "./copy-controller.ts";
import { figure, plural, time } from "./format.ts";
import { icon } from "./icons.ts";
import { markdown, markdownStyles } from "./markdown.ts";
import { MarkdownStream } from "./markdown-stream.ts";

export class ChatMessageElement extends LitElement {
  static override properties = { message: { attribute: false }, retriable: { type: Boolean } };
  declare message: ChatMessage;
  /** Whether asking again makes sense: the last message, and it failed. */
  declare retriable: boolean;
  readonly #copied = new CopyController(this);
  #markdown = new MarkdownStream();

  constructor() {
    super();
    this.retriable = false;
  }

  override render() {
    const { message } = this;
    if (message.role === "user") {
      return html`<article class="user">
        <span class="unseen">You:</span>
        <p>${message.text}</p>
      </article>`;
    }
    return html`<article class="assistant" aria-busy=${message.status === "streaming"}>
      <span class="unseen">Answer:</span>
      <div class="prose">${this.#prose()}</div>
      ${this.state()} ${this.foot()}
    </article>`;
  }

  #prose() {
    const { text, status } = this.message;
    if (!this.#markdown.isContinuedBy(text)) this.#markdown = new MarkdownStream();
    const isComplete = status !== "queued" && status !== "streaming";
    return markdown(this.#markdown.read(text, isComplete));
  }

  private state() {
    const { status, error, text } = this.message;
    if (status === "queued" && text !== "") {
      const words =
        "The layers are being redistributed. The answer continues once they have loaded.";
      return html`<p class="quiet waiting"><i></i><span>${words}</span></p>`;
    }
    if (status === "queued") return html`<p class="quiet waiting"><i></i>Waiting in the queue</p>`;
    if (status === "streaming" && text === "") {
      return html`<p class="quiet waiting"><i></i>Processing the prompt</p>`;
    }
    if (status === "failed") {
      return html`<div class="failed">
        <p>${icon("warn")} <span>${error ?? "The answer failed for an unknown reason."}</span></p>
        ${
          this.retriable
            ? html`<button class="compact" @click=${() => this.dispatchEvent(new Event("retry"))}>
                ${icon("retry")} Try again
              </button>`
            : nothing
        }
      </div>`;
    }
    return nothing;
  }

  private foot() {
    const { status, tokens, tokensPerSecond, firstTokenMs, text } = this.message;
    const facts = [
      status === "stopped" ? "stopped" : null,
      tokens > 0 ? plural(tokens, "token") : null,
      tokensPerSecond === null ? null : `${figure(tokensPerSecond)} tokens/s`,
      firstTokenMs === null ? null : `first token after ${time(firstTokenMs)}`,
    ].filter((fact) => fact !== null);
    const over = status === "done" || status === "stopped" || status === "failed";
    if (facts.length === 0) return nothing;
    return html`<footer>
      <span class="small quiet figure">${facts.join(" · ")}</span>
      ${
        over && text !== ""
          ? html`<button
              class="icon compact"
              aria-label=${this.#copied.done ? "Copied" : "Copy answer"}
              @click=${() => this.#copied.copy(text)}
            >
              ${icon(this.#copied.done ? "check" : "copy")}
            </button>`
          : nothing
      }
    </footer>`;
  }

  static override styles = [
    baseStyles,
    markdownStyles,
    css`
      .user {
        width: fit-content;
        max-width: 88%;
        margin-inline-start: auto;
        padding: var(--gap-s) 0.9rem;
        border-radius: 14px 14px 4px 14px;
        background: var(--spruce-wash);
      }
      .user p {
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      footer {
        display: flex;
        align-items: center;
        gap: var(--gap-s);
        min-height: 2rem;
        margin-top: var(--gap-xs);
      }
      footer .figure {
        font-size: var(--text-xs);
      }
      footer button {
        color: var(--ink-quiet);
      }
      .waiting {
        display: flex;
        align-items: center;
        gap: var(--gap-s);
      }
      .waiting i {
        flex: none;
        width: 0.6rem;
        height: 0.6rem;
        border-radius: 2px;
        background: var(--spruce);
        animation: breathe 900ms ease-in-out infinite alternate;
      }
      @keyframes breathe {
        from {
          opacity: 0.2;
        }
      }
      .failed {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--gap-s);
        margin-top: var(--gap-s);
        padding: var(--gap-s) var(--gap-m);
        border-radius: var(--radius-s);
        background: var(--clay-wash);
      }
      .failed p {
        flex: 1 1 12rem;
        display: flex;
        gap: var(--gap-s);
        overflow-wrap: anywhere;
      }
      .failed .icon {
        margin-top: 0.2em;
        color: var(--clay);
      }
    `,
  ];
}
customElements.define("tabmesh-message", ChatMessageElement);

declare global {
  interface HTMLElementTagNameMap {
    "tabmesh-message": ChatMessageElement;
  }
}
