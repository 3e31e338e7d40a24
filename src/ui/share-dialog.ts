/** The invitation: the room's link as a QR code and as text, and its code. */
import "@awesome.me/webawesome/dist/components/dialog/dialog.js";
import { css, html, nothing, svg } from "lit";
import { encode } from "uqr";
import { baseStyles } from "./base-styles.ts";
import { CopyController } from "./copy-controller.ts";
import { icon } from "./icons.ts";
import { PageElement } from "./page-element.ts";

/** One path of the dark modules, dark on white in both color schemes, as scanners need. */
function qrCode(text: string) {
  const { data, size } = encode(text, { ecc: "M", border: 3 });
  const path = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")));
  return html`<svg
    class="qr"
    viewBox="0 0 ${size} ${size}"
    role="img"
    aria-label="QR code of the room's link"
    shape-rendering="crispEdges"
  >
    ${svg`<rect width=${size} height=${size} fill="#fff"/><path d=${path.join("")} fill="#111"/>`}
  </svg>`;
}

export class ShareDialog extends PageElement {
  static override properties = { open: { type: Boolean } };
  declare open: boolean;
  readonly #copied = new CopyController(this);

  constructor() {
    super();
    this.open = false;
  }

  protected override get reads() {
    return ["state", "joinUrl"] as const;
  }

  override render() {
    const { joinUrl } = this.view;
    return html`<wa-dialog
      label="Add a machine"
      light-dismiss
      ?open=${this.open}
      @wa-after-hide=${() => (this.open = false)}
    >
      ${
        joinUrl === null || !this.open
          ? nothing
          : html`
              <p class="quiet">
                Open this link in a browser with WebGPU on another machine, or scan the code. The
                machine joins the room and can run layers.
              </p>
              ${qrCode(joinUrl)}
              <p class="code">${this.view.state?.room}</p>
              <p class="link figure">${joinUrl}</p>
              <button class="primary" @click=${() => this.#copied.copy(joinUrl)}>
                ${icon(this.#copied.done ? "check" : "copy")}
                ${this.#copied.done ? "Copied" : "Copy link"}
              </button>
            `
      }
    </wa-dialog>`;
  }

  static override styles = [
    baseStyles,
    css`
      wa-dialog {
        --width: 24rem;
      }
      .qr {
        display: block;
        width: min(100%, 16rem);
        margin: var(--gap-l) auto;
        border-radius: var(--radius-s);
      }
      .code {
        font: 700 var(--text-xl) / 1.2 var(--mono);
        letter-spacing: 0.16em;
        text-align: center;
      }
      .link {
        margin: var(--gap-s) 0 var(--gap-l);
        color: var(--ink-quiet);
        text-align: center;
        overflow-wrap: anywhere;
      }
      button {
        width: 100%;
      }
    `,
  ];
}
customElements.define("tabmesh-share", ShareDialog);
