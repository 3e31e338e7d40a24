/** One message: its text, how its answer ended, and how fast it came. */
import { css, html, LitElement, nothing } from "lit";
import type { ChatMessage } from "./page-view.ts";
import { describeAnswerStatus, figure, plural, time } from "../words/index.ts";
import { baseStyles } from "./base-styles.ts";
import { CopyController } from "./copy-controller.ts";
import { icon, iconButton } from "./icons.ts";
import { markdown, markdownStyles } from "./markdown.ts";
import { MarkdownStream } from "./markdown-stream.ts";

export class ChatMessageElement extends LitElement {
  static override properties = { message: { attribute: false }, isLast: { type: Boolean } };
  declare message: ChatMessage;
  /** Only the last answer can be retried (event `retry`) or continued (event `continue`). */
  declare isLast: boolean;
  readonly #copied = new CopyController(this);
  #markdown = new MarkdownStream();

  get #isWriting(): boolean {
    return this.message.status === "queued" || this.message.status === "streaming";
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
      ${this.#status()} ${this.#foot()}
    </article>`;
  }

  #prose() {
    const { text } = this.message;
    if (!this.#markdown.isContinuedBy(text)) this.#markdown = new MarkdownStream();
    const blocks = this.#markdown.read(text, !this.#isWriting);
    if (this.#markdown.isBehind) requestAnimationFrame(() => this.requestUpdate());
    return markdown(blocks);
  }

  #status() {
    const { status } = this.message;
    const sentence = describeAnswerStatus(this.message);
    if (sentence === null) return nothing;
    switch (status) {
      case "token_limit":
        return html`<div class="ending line wrap">
          <p class="quiet">${sentence}</p>
          ${this.#action("continue", "Continue")}
        </div>`;
      case "context_full":
        return html`<p class="quiet">${sentence}</p>`;
      case "failed":
        return html`<div class="ending failed line wrap box bad">
          <p>${icon("warn")} <span>${sentence}</span></p>
          ${this.#action("retry", html`${icon("retry")} Try again`)}
        </div>`;
      default:
        return html`<p class="quiet line"><span class="pulse"></span><span>${sentence}</span></p>`;
    }
  }

  #action(name: "retry" | "continue", label: unknown) {
    if (!this.isLast) return nothing;
    const act = () => this.dispatchEvent(new Event(name));
    return html`<button class="compact" @click=${act}>${label}</button>`;
  }

  #foot() {
    const { status, tokens, tokensPerSecond, firstTokenMs, text } = this.message;
    const facts = [
      status === "stopped" ? "stopped" : null,
      tokens > 0 ? plural(tokens, "token") : null,
      tokensPerSecond === null ? null : `${figure(tokensPerSecond)} tokens/s`,
      firstTokenMs === null ? null : `first token after ${time(firstTokenMs)}`,
    ].filter((fact) => fact !== null);
    if (facts.length === 0) return nothing;
    const isCopied = this.#copied.done;
    return html`<footer class="line">
      <span class="small quiet figure">${facts.join(" · ")}</span>
      ${
        this.#isWriting || text === ""
          ? nothing
          : iconButton(isCopied ? "Copied" : "Copy answer", isCopied ? "check" : "copy", () =>
              this.#copied.copy(text),
            )
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
      }
      footer {
        min-height: 2rem;
        margin-top: var(--gap-xs);
      }
      footer .figure {
        font-size: var(--text-xs);
      }
      footer button {
        color: var(--ink-quiet);
      }
      .ending {
        margin-top: var(--gap-s);
      }
      .failed p {
        flex: 1 1 12rem;
        display: flex;
        gap: var(--gap-s);
      }
      .failed .icon {
        margin-top: 0.2em;
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
