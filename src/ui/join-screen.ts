/**
 * The page outside a room: what Tabmesh is, a button that opens a room, and the form to
 * join one. A refusal arrives as `view.notice`.
 */
import { css, html, nothing, svg } from "lit";
import { baseStyles } from "./base-styles.ts";
import { filePicker } from "./file-picker.ts";
import { icon, mark } from "./icons.ts";
import { PageElement } from "./page-element.ts";
import "./join-form.ts";
import { noticeBar, noticeStyles } from "./notice.ts";

/** Tabs of different sizes, each with its share of the layers, and the path of a token. */
function picture() {
  const tabs = [
    { x: 0, y: 0, layers: 4, hue: 172 },
    { x: 78, y: 62, layers: 6, hue: 42 },
    { x: 156, y: 160, layers: 3, hue: 262 },
  ];
  return html`<svg class="picture" viewBox="-2 -2 236 246" aria-hidden="true">
    ${tabs.map(({ x, y, layers, hue }) => {
      const height = 20 + layers * 14;
      return svg`<g transform="translate(${x} ${y})">
        <path class="tab" d="M0 12V6a6 6 0 0 1 6-6h22a6 6 0 0 1 6 6v6h30a6 6 0 0 1 6 6v${height - 18}a6 6 0 0 1-6 6H6a6 6 0 0 1-6-6z" />
        ${Array.from(
          { length: layers },
          (_, layer) =>
            svg`<rect x="8" y=${20 + layer * 14} width="54" height="10" rx="2" fill="oklch(var(--member-lightness) 0.125 ${hue})" />`,
        )}
      </g>`;
    })}
    <path class="path" d="M70 64c18 0 34 4 38 24M148 152c18 0 34 8 38 30" />
  </svg>`;
}

const SIGNS = {
  checking: ["info", ""],
  ready: ["check", "good"],
  none: ["warn", "warn"],
} as const;

export class JoinScreen extends PageElement {
  override render() {
    const joining = this.view.phase === "joining";
    return html`
      <main>
        <header class="line">${mark(36)} <span>Tabmesh</span></header>
        <div class="lede">
          <div>
            <h1>One model, spread across your tabs.</h1>
            <p class="lead">
              Open this page on several machines. Each tab runs some of the layers of a language
              model, and together they answer. There is nothing to install, and your conversation
              stays on these machines.
            </p>
          </div>
          ${picture()}
        </div>
        ${noticeBar(this.view, () => this.send({ type: "dismiss_notice" }))} ${this.#progress()}
        <div class="choices">
          <section aria-labelledby="open-title">
            <h2 id="open-title">New room</h2>
            <p class="quiet">You get a code and a link to share with the other machines.</p>
            <button
              class="primary wide"
              ?disabled=${joining}
              @click=${() => this.send({ type: "open_room" })}
            >
              Open a room
            </button>
          </section>
          <section aria-labelledby="join-title">
            <h2 id="join-title">Join a room</h2>
            <tabmesh-join-form .view=${this.view}></tabmesh-join-form>
          </section>
        </div>
        ${this.#check()}
        <p class="log">
          ${filePicker("Open a saved log", "application/json,.json", (file) =>
            this.send({ type: "open_log", file }),
          )}
        </p>
      </main>
    `;
  }

  #progress() {
    const { progress, phase } = this.view;
    if (progress === null && phase !== "joining") return nothing;
    return html`<p class="state line now" role="status">
      <span class="pulse" aria-hidden="true"></span>
      ${progress?.label ?? "Joining the room"}
      ${progress?.fraction == null ? nothing : `– ${Math.round(progress.fraction * 100)}%`}
    </p>`;
  }

  #check() {
    const check = this.view.adapterCheck;
    if (check == null) return nothing;
    const [sign, tone] = SIGNS[check.status];
    return html`<p class="state line ${tone}" role="status">
      ${icon(sign)} <span>${check.message}</span>
    </p>`;
  }

  static override styles = [
    baseStyles,
    noticeStyles,
    css`
      :host {
        min-height: 100dvh;
        display: grid;
        align-items: center;
        background: var(--paper);
      }
      main {
        width: min(100%, 50rem);
        margin: 0 auto;
        padding: var(--gap-xl) var(--gap-l);
      }
      header {
        font-weight: 700;
        font-size: var(--text-l);
        letter-spacing: -0.02em;
      }
      h1 {
        margin: var(--gap-xl) 0 var(--gap-m);
        max-width: 17ch;
        font-size: clamp(2rem, 7vw, 3.5rem);
        font-weight: 700;
        line-height: 1.04;
        letter-spacing: -0.035em;
        text-wrap: balance;
      }
      .lede {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        align-items: end;
        gap: var(--gap-xl);
        margin-bottom: var(--gap-xl);
      }
      .picture {
        width: 15rem;
        fill: none;
        stroke-linecap: round;
      }
      .tab {
        fill: var(--surface);
        stroke: var(--line-strong);
        stroke-width: 1.5;
      }
      .path {
        stroke: var(--ink);
        stroke-width: 1.5;
        stroke-dasharray: 1 5;
      }
      @media (max-width: 48rem) {
        .lede {
          grid-template-columns: minmax(0, 1fr);
        }
        .picture {
          display: none;
        }
      }
      .lead {
        max-width: 34rem;
        color: var(--ink-quiet);
        font-size: var(--text-l);
        text-wrap: pretty;
      }
      .notice {
        margin: 0 0 var(--gap-l);
      }
      .choices {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr));
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
      }
      section {
        display: flex;
        flex-direction: column;
        gap: var(--gap-s);
        padding: var(--gap-l);
      }
      section + section {
        border-inline-start: 1px solid var(--line);
      }
      @media (max-width: 40rem) {
        section + section {
          border-inline-start: 0;
          border-top: 1px solid var(--line);
        }
      }
      .wide {
        margin-top: auto;
        min-height: 3rem;
      }
      .state {
        align-items: flex-start;
        margin-top: var(--gap-l);
        color: var(--ink-quiet);
        width: fit-content;
      }
      .state.now {
        align-items: center;
        margin: 0 0 var(--gap-l);
        color: var(--ink);
      }
      .state .icon {
        margin-top: 0.2em;
        color: var(--tone);
      }
      .log {
        margin-top: var(--gap-l);
      }
    `,
  ];
}
customElements.define("tabmesh-join", JoinScreen);
