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
    code: { state: true },
    link: { state: true },
    wrongLink: { state: true },
    observe: { state: true },
    tried: { state: true },
  };
  declare code: string | null;
  /** What was pasted, if it is a room's link. */
  declare link: string | null;
  declare wrongLink: boolean;
  declare observe: boolean;
  declare tried: boolean;

  constructor() {
    super();
    this.code = null;
    this.link = null;
    this.wrongLink = false;
    this.observe = false;
    this.tried = false;
  }

  /** What was typed, or the code in the address until something is. */
  get #typed(): string {
    return this.code ?? this.view.code ?? "";
  }

  readonly #type = (event: InputEvent): void => {
    const field = event.target as HTMLInputElement;
    const text = field.value.trim();
    const isLink = /[:/#]/.test(text);
    const invitation = isLink ? readInvitation(text) : null;
    this.link = invitation === null ? null : text;
    this.wrongLink = isLink && invitation === null;
    const typed = text.toUpperCase().replaceAll(/[\s-]/g, "").slice(0, ROOM_CODE_LENGTH);
    this.code = isLink ? (invitation?.code ?? "") : typed;
    field.value = this.code;
    this.tried = false;
  };

  readonly #join = (event: SubmitEvent): void => {
    event.preventDefault();
    this.tried = true;
    const parsed = RoomCode.safeParse(this.#typed);
    if (parsed.success) {
      const invitation = this.link ?? parsed.data;
      this.send({ type: "join_room", invitation, observe: this.observe });
    } else {
      this.renderRoot.querySelector("input")?.focus();
    }
  };

  override render() {
    const joining = this.view.phase === "joining";
    const problem: InputProblem | null = this.wrongLink
      ? { kind: "room_link_incomplete" }
      : codeProblem(this.#typed, this.tried);
    const link = this.link === null ? "" : `The link leads to room ${this.#typed}.`;
    return html`<form novalidate @submit=${this.#join}>
      <label for="code">Room code or link</label>
      <div class="field-row">
        <input
          id="code"
          .value=${live(this.#typed)}
          @input=${this.#type}
          placeholder="ABC234"
          autocomplete="off"
          autocapitalize="characters"
          spellcheck="false"
          aria-invalid=${problem === null ? "false" : "true"}
          aria-describedby="code-problem"
        />
        <button
          class=${this.#typed.length === ROOM_CODE_LENGTH ? "primary" : ""}
          ?disabled=${joining}
        >
          Join
        </button>
      </div>
      <p id="code-problem" class=${problem === null ? "problem link" : "problem"} role="status">
        ${problem === null ? link : describeInputProblem(problem)}
      </p>
      <label class="choice line">
        <input
          type="checkbox"
          .checked=${this.observe}
          @change=${(event: Event) => (this.observe = (event.target as HTMLInputElement).checked)}
        />
        <span>Observe only <span class="quiet">– chat and watch without computing</span></span>
      </label>
    </form>`;
  }

  static override styles = [
    baseStyles,
    css`
      .field-row {
        margin-top: var(--gap-xs);
      }
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
        padding-top: var(--gap-xs);
      }
      .problem.link {
        color: var(--ink-quiet);
      }
    `,
  ];
}
customElements.define("tabmesh-join-form", JoinForm);
