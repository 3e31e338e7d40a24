/** One message: what happened, what to do about it, and a button to dismiss it. */
import { css, html, nothing } from "lit";
import { baseStyles } from "./base-styles.ts";
import { icon, iconButton } from "./icons.ts";
import { PageElement } from "./page-element.ts";

const TONE = { info: "good", warning: "warn", error: "bad" } as const;

export class NoticeBar extends PageElement {
  override render() {
    const { notice } = this.view;
    // The live region stays in the page, so that a new notice is announced.
    return html`<div role=${notice?.level === "error" ? "alert" : "status"}>
      ${
        notice === null
          ? nothing
          : html`<div class="notice line box ${TONE[notice.level]}">
              ${icon(notice.level === "info" ? "info" : "warn")}
              <p>
                <strong>${notice.message}</strong>
                ${notice.whatToDo === null ? nothing : html`<span>${notice.whatToDo}</span>`}
              </p>
              ${iconButton("Dismiss", "close", () => this.send({ type: "dismiss_notice" }))}
            </div>`
      }
    </div>`;
  }

  static override styles = [
    baseStyles,
    css`
      .notice {
        align-items: flex-start;
        gap: var(--gap-m);
        padding: var(--gap-m) var(--gap-m) var(--gap-m) var(--gap-l);
      }
      .notice > svg {
        margin-top: 0.4rem;
      }
      p {
        flex: 1;
        min-width: 0;
        padding: 0.2rem 0;
      }
      strong {
        margin-inline-end: 0.3em;
      }
    `,
  ];
}
customElements.define("tabmesh-notice", NoticeBar);
