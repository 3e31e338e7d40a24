/** One message: what happened, what to do about it, and a button to dismiss it. */
import { css, html, nothing } from "lit";
import { icon, iconButton } from "./icons.ts";
import type { PageView } from "./page-view.ts";

const TONE = { info: "good", warning: "warn", error: "bad" } as const;

/** The live region stays in the page, so that a new notice is announced. */
export function noticeBar({ notice }: PageView, dismiss: () => void) {
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
            ${iconButton("Dismiss", "close", dismiss)}
          </div>`
    }
  </div>`;
}

export const noticeStyles = css`
  .notice {
    align-items: flex-start;
    gap: var(--gap-m);
    margin: var(--gap-m);
    padding: var(--gap-m) var(--gap-m) var(--gap-m) var(--gap-l);
  }
  .notice > svg {
    margin-top: 0.4rem;
  }
  .notice p {
    flex: 1;
    min-width: 0;
    padding: 0.2rem 0;
  }
`;
