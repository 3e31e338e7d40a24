/** The invitation: the room's link as a QR code and as text, its code, and whom the room admits. */
import { css, html, nothing, svg } from "lit";
import { live } from "lit/directives/live.js";
import { encode } from "uqr";
import { Admits } from "../shared/index.ts";
import { baseStyles } from "./base-styles.ts";
import { CopyController } from "./copy-controller.ts";
import { DialogElement } from "./dialog-element.ts";
import { icon } from "./icons.ts";

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

const CHOICES: { readonly [Value in Admits]: string } = {
  code: "Anyone with the code or the link",
  link: "Only with the link",
  nobody: "Nobody: the room is locked",
};

const INSTRUCTIONS: { readonly [Value in Admits]: string } = {
  code: "Open this link in a browser with WebGPU on another machine, or type the code on its page. The machine joins the room and can run layers.",
  link: "Open this link in a browser with WebGPU on another machine. The code alone does not admit it.",
  nobody: "No machine can join now. Machines in the room can still reload and rejoin.",
};

export class ShareDialog extends DialogElement {
  readonly #copied = new CopyController(this);

  override render() {
    const { joinUrl, state } = this.view;
    const admits = state?.admits ?? "code";
    return this.dialog(
      "Add a machine",
      "any",
      () =>
        html`<p class="quiet">${INSTRUCTIONS[admits]}</p>
          ${admits === "nobody" || joinUrl === null ? nothing : this.#link(joinUrl, admits)}
          ${this.#choices(admits)}`,
    );
  }

  #link(joinUrl: string, admits: Admits) {
    return html`${qrCode(joinUrl)}
      ${admits === "code" ? html`<p class="code">${this.view.state?.room}</p>` : nothing}
      <p class="link figure">${joinUrl}</p>
      <button class="primary" @click=${() => this.#copied.copy(joinUrl)}>
        ${icon(this.#copied.done ? "check" : "copy")} ${this.#copied.done ? "Copied" : "Copy link"}
      </button>
      <p class="quiet hint">
        The link contains the room's key. Anyone who has it can join, so send it only to people you
        trust.
      </p>`;
  }

  #choices(admits: Admits) {
    return html`<fieldset>
      <legend>Who can join</legend>
      ${Admits.options.map(
        (value) =>
          html`<label class="choice line">
            <input
              type="radio"
              name="admits"
              value=${value}
              .checked=${live(value === admits)}
              @change=${() => this.send({ type: "change_admission", admits: value })}
            />
            ${CHOICES[value]}
          </label>`,
      )}
    </fieldset>`;
  }

  static override styles = [
    baseStyles,
    css`
      dialog {
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
      }
      .primary {
        width: 100%;
      }
      .hint {
        margin-top: var(--gap-s);
        font-size: var(--text-s);
      }
      fieldset {
        margin-top: var(--gap-l);
      }
    `,
  ];
}
customElements.define("tabmesh-share", ShareDialog);
