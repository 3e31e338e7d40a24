/** The header of a room: code, link, QR code, connection, settings, leave. */
import { css, html, nothing } from "lit";
import { baseStyles } from "./base-styles.ts";
import { CopyController } from "./copy-controller.ts";
import { icon, iconButton, mark } from "./icons.ts";
import { PageElement } from "./page-element.ts";

const CONNECTION = {
  connected: ["Connected", ""],
  reconnecting: ["Reconnecting", "warn"],
  lost: ["Connection lost", "bad"],
} as const;

const ADMISSION = { link: "Link only", nobody: "Locked" } as const;

export class RoomHeader extends PageElement {
  readonly #copied = new CopyController(this);

  override render() {
    const { connection, joinUrl, serverLost } = this.view;
    const admits = this.view.state?.admits ?? "code";
    const room = this.view.state?.room ?? this.view.code ?? "";
    const [word, tone] = CONNECTION[connection];
    return html`<header class="line">
      <h1 class="line">${mark(26)} <span class="brand">Tabmesh</span></h1>
      <p class="room">
        <span class="unseen">Room</span>
        <span class="code" aria-label=${[...room].join(" ")} role="text">${room}</span>
      </p>
      ${
        admits === "code"
          ? nothing
          : html`<p class="admission line small" role="status">
              ${icon("lock")} <span>${ADMISSION[admits]}</span>
            </p>`
      }
      <p class="connection line small ${tone}" role="status">
        <span class="dot" aria-hidden="true"></span><span class="word">${word}</span>
      </p>
      ${
        serverLost === true
          ? html`<p class="server connection line small warn" role="status">
              ${icon("warn")} <span class="word">No server: nobody can join</span>
            </p>`
          : nothing
      }
      <div class="tools">
        <button
          class="compact"
          ?disabled=${joinUrl === null}
          @click=${() => this.#copied.copy(joinUrl ?? "")}
        >
          ${icon(this.#copied.done ? "check" : "copy")}
          <span class="word">${this.#copied.done ? "Copied" : "Copy link"}</span>
        </button>
        ${iconButton("Invite: QR code and link", "qr", () => this.emit("open-dialog", "share"))}
        ${iconButton("Settings", "settings", () => this.emit("open-dialog", "settings"))}
        ${iconButton("Leave the room", "leave", () => this.send({ type: "leave_room" }))}
      </div>
    </header>`;
  }

  static override styles = [
    baseStyles,
    css`
      :host {
        border-bottom: 1px solid var(--line);
        background: var(--surface);
      }
      header {
        gap: var(--gap-s) var(--gap-l);
        padding: var(--gap-s) var(--gap-l);
        min-height: 3.5rem;
      }
      .code {
        font: 700 var(--text-l) / 1 var(--mono);
        letter-spacing: 0.12em;
      }
      .room {
        padding-inline-start: var(--gap-l);
        border-inline-start: 1px solid var(--line);
        line-height: 1.8;
      }
      .connection {
        color: var(--tone, var(--ink-quiet));
      }
      .dot {
        width: 0.55rem;
        height: 0.55rem;
        border-radius: 50%;
        background: var(--tone, var(--spruce));
      }
      .warn .dot {
        background: transparent;
        border: 2px solid var(--tone);
      }
      .bad .dot {
        border-radius: 1px;
      }
      .tools {
        display: flex;
        gap: var(--gap-xs);
        margin-inline-start: auto;
      }
      @media (max-width: 44rem) {
        header {
          gap: var(--gap-s);
          padding-inline: var(--gap-m);
        }
        .brand,
        .word {
          position: absolute;
          clip-path: inset(50%);
        }
        .room {
          padding: 0;
          border: 0;
        }
        .code {
          font-size: var(--text-m);
          letter-spacing: 0.06em;
        }
        .tools {
          gap: 0;
        }
        .tools button {
          border-color: transparent;
        }
      }
    `,
  ];
}
customElements.define("tabmesh-header", RoomHeader);
