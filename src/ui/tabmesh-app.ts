/**
 * The page. Shows a `PageView` and acts through `send`; does not know how a room works.
 *
 *   outside   what this is, open or join
 *   inside    header; the room (model, placement, timings, members) beside the
 *             chat; on a small screen the two are tabs
 *   replay    a saved log, event by event; nothing can be changed
 */
import { css, html, nothing } from "lit";
import { baseStyles } from "./base-styles.ts";
import "./chat-panel.ts";
import "./join-screen.ts";
import "./member-list.ts";
import "./model-picker.ts";
import { noticeBar, noticeStyles } from "./notice.ts";
import { PageElement } from "./page-element.ts";
import "./placement-diagram.ts";
import "./replay-bar.ts";
import "./room-header.ts";
import "./settings-dialog.ts";
import type { SettingsDialog } from "./settings-dialog.ts";
import "./share-dialog.ts";
import type { ShareDialog } from "./share-dialog.ts";
import { speedNow } from "./stage-timings.ts";
import "./tokens.css";

type Side = "chat" | "room";

export class TabmeshApp extends PageElement {
  protected override readonly live = ["chat", "timings"] as const;
  static override properties = { side: { state: true } };
  /** What a small screen shows, once chosen. */
  declare side?: Side;

  constructor() {
    super();
    this.addEventListener("dragover", this.#drop);
    this.addEventListener("drop", this.#drop);
  }

  /** A file that is dropped is placed as a model. The browser would leave the page to open it. */
  readonly #drop = (event: DragEvent): void => {
    const { dataTransfer } = event;
    if (!dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    // There is none before the drop.
    const [file] = dataTransfer.files;
    if (file && this.view.phase === "inside") this.send({ type: "place_file", file });
  };

  readonly #openDialog = ({ detail: name }: CustomEvent<"share" | "settings">): void => {
    this.renderRoot.querySelector<ShareDialog | SettingsDialog>(`tabmesh-${name}`)!.show();
  };

  override render() {
    const { view } = this;
    if (view.phase === "replay") {
      return html`<div class="frame">
        <tabmesh-replay .view=${view}></tabmesh-replay>
        <main class="replay">${this.#room()}</main>
      </div>`;
    }
    if (view.phase !== "inside") return html`<tabmesh-join .view=${view}></tabmesh-join>`;
    const side = this.side ?? (view.state?.placement == null ? "room" : "chat");
    return html`
      <div class="frame" @open-dialog=${this.#openDialog}>
        <tabmesh-header .view=${view}></tabmesh-header>
        ${noticeBar(view, () => this.send({ type: "dismiss_notice" }))} ${this.#switch(side)}
        <main class="shows-${side}">
          ${this.#room()}
          <div class="chat">
            <tabmesh-chat .view=${view}></tabmesh-chat>
          </div>
        </main>
      </div>
      <tabmesh-share .view=${view}></tabmesh-share>
      <tabmesh-settings .view=${view}></tabmesh-settings>
    `;
  }

  #room() {
    const { view } = this;
    return html`<div class="room" tabindex="-1">
      <tabmesh-model .view=${view}></tabmesh-model>
      ${
        view.state?.placement == null
          ? nothing
          : html`<tabmesh-placement .view=${view}></tabmesh-placement>`
      }
      ${
        view.timings.length === 0 && speedNow(view) === null
          ? nothing
          : html`<tabmesh-timings .view=${view}></tabmesh-timings>`
      }
      <tabmesh-members .view=${view}></tabmesh-members>
    </div>`;
  }

  #switch(side: Side) {
    const count = this.members.length;
    const choice = (value: Side, label: string) =>
      html`<button class="plain" aria-pressed=${value === side} @click=${() => (this.side = value)}>
        ${label}
      </button>`;
    return html`<nav aria-label="View">
      ${choice("chat", "Chat")} ${choice("room", count === 0 ? "Room" : `Room (${count})`)}
    </nav>`;
  }

  static override styles = [
    baseStyles,
    noticeStyles,
    css`
      .frame {
        display: flex;
        flex-direction: column;
        height: 100dvh;
      }
      nav {
        display: none;
      }
      main {
        flex: 1;
        min-height: 0;
        display: grid;
        grid-template-columns: minmax(0, 1fr) minmax(22rem, 30rem);
      }
      main.replay {
        grid-template-columns: minmax(0, 1fr);
      }
      .room {
        display: flex;
        flex-direction: column;
        gap: var(--gap-xl);
        min-height: 0;
        padding: var(--gap-l) var(--gap-xl) var(--gap-xl);
        overflow-y: auto;
      }
      .chat {
        min-height: 0;
        border-inline-start: 1px solid var(--line);
        background: var(--surface);
      }
      @media (max-width: 60rem) {
        nav {
          display: grid;
          grid-template-columns: 1fr 1fr;
          flex: none;
          border-bottom: 1px solid var(--line);
          background: var(--surface);
        }
        nav button {
          border: 0;
          border-bottom: 2px solid transparent;
          border-radius: 0;
          color: var(--ink-quiet);
          font-weight: 600;
        }
        nav button[aria-pressed="true"] {
          border-bottom-color: var(--spruce);
          color: var(--ink);
        }
        nav button:focus-visible {
          outline-offset: -2px;
        }
        main {
          grid-template-columns: minmax(0, 1fr);
        }
        .chat {
          border: 0;
        }
        .shows-chat .room,
        .shows-room .chat {
          display: none;
        }
        .room {
          padding: var(--gap-l) 1rem var(--gap-xl);
        }
      }
    `,
  ];
}
customElements.define("tabmesh-app", TabmeshApp);

declare global {
  interface HTMLElementTagNameMap {
    "tabmesh-app": TabmeshApp;
  }
}
