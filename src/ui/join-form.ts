/** Joins a room by its code or its link, to compute or only to observe. */
import { css, html } from "lit";
import { live } from "lit/directives/live.js";
import { ROOM_CODE_ALPHABET, ROOM_CODE_LENGTH, readInvitation, RoomCode } from "../shared/index.ts";
import { describeInputProblem, type InputProblem } from "../words/index.ts";
import { baseStyles } from "./base-styles.ts";
import { PageElement } from "./page-element.ts";

/** What is wrong with a code that is being typed; null if it is valid, or may become so. */
export function codeProblem(code: string, finished: boolean): InputProblem | null {
  const invalid = [...code].find((character) => !ROOM_CODE_ALPHABET.includes(character));
  if (invalid !== undefined) return { kind: "room_code_character", character: invalid };
  const missing = ROOM_CODE_LENGTH - code.length;
  if (!finished || missing === 0) return null;
  return code === "" ? { kind: "room_code_empty" } : { kind: "room_code_short", missing };
}

export class JoinForm extends PageElement {
  static override properties = {
    text: { state: true },
    tried: { state: true },
  };
  /** What was typed or pasted, once something was. */
  declare text?: string;
  declare tried?: boolean;

  /** The code so far, which the field shows, and the link that it was read from. */
  get #typed(): { readonly code: string; readonly link?: string; readonly isWrongLink?: true } {
    const text = this.text?.trim() ?? this.view.code ?? "";
    if (!/[:/#]/.test(text)) {
      return { code: text.toUpperCase().replaceAll(/[\s-]/g, "").slice(0, ROOM_CODE_LENGTH) };
    }
    const invitation = readInvitation(text);
    return invitation === null
      ? { code: "", isWrongLink: true }
      : { code: invitation.code, link: text };
  }

  readonly #type = (event: InputEvent): void => {
    this.text = (event.target as HTMLInputElement).value;
    this.tried = false;
    // The same text may have been typed before, and the field shows only its code.
    this.requestUpdate();
  };

  readonly #join = (event: SubmitEvent): void => {
    event.preventDefault();
    this.tried = true;
    const { code, link } = this.#typed;
    const parsed = RoomCode.safeParse(code);
    if (parsed.success) {
      const invitation = link ?? parsed.data;
      const observe = new FormData(event.target as HTMLFormElement).has("observe");
      this.send({ type: "join_room", invitation, observe });
    } else {
      this.renderRoot.querySelector("input")?.focus();
    }
  };

  override render() {
    const joining = this.view.phase === "joining";
    const { code, link, isWrongLink } = this.#typed;
    const problem: InputProblem | null = isWrongLink
      ? { kind: "room_link_incomplete" }
      : codeProblem(code, this.tried ?? false);
    const hint = link === undefined ? "" : `The link leads to room ${code}.`;
    return html`<form class="field" novalidate @submit=${this.#join}>
      <label for="code">Room code or link</label>
      <div class="field-row">
        <input
          id="code"
          .value=${live(code)}
          @input=${this.#type}
          placeholder="ABC234"
          autocomplete="off"
          autocapitalize="characters"
          spellcheck="false"
          aria-invalid=${problem === null ? "false" : "true"}
          aria-describedby="code-problem"
        />
        <button class=${code.length === ROOM_CODE_LENGTH ? "primary" : ""} ?disabled=${joining}>
          Join
        </button>
      </div>
      <p id="code-problem" class=${problem === null ? "problem link" : "problem"} role="status">
        ${problem === null ? hint : describeInputProblem(problem)}
      </p>
      <label class="choice line">
        <input type="checkbox" name="observe" />
        <span>Observe only <span class="quiet">– chat and watch without computing</span></span>
      </label>
    </form>`;
  }

  static override styles = [
    baseStyles,
    css`
      .field-row button {
        min-height: 3rem;
      }
      #code {
        font: 600 1.375rem / 1 var(--mono);
        letter-spacing: 0.18em;
        text-transform: uppercase;
      }
      #code[aria-invalid="true"] {
        border-color: var(--clay);
      }
      .problem,
      .problem:empty {
        display: block;
        min-height: 1.5em;
      }
      .problem.link {
        color: var(--ink-quiet);
      }
    `,
  ];
}
customElements.define("tabmesh-join-form", JoinForm);
