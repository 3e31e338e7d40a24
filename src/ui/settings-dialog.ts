/** The room's settings, and this tab's name and measurements. */
import { css, html } from "lit";
import {
  DEFAULT_PLACEMENT_RULES,
  DEFAULT_SETTINGS,
  openerRule,
  Settings,
} from "../shared/index.ts";
import { describeInputProblem } from "../words/index.ts";
import { baseStyles } from "./base-styles.ts";
import { DialogElement } from "./dialog-element.ts";
import { type Field, fieldTemplate, readFields } from "./fields.ts";
import { readRules, rulesFields, rulesStyles } from "./placement-rules-form.ts";

const FIELDS = [
  {
    name: "contextTokens",
    label: "Context length (tokens)",
    min: 128,
    max: 1_048_576,
    step: 1,
    help: "The maximum length of a conversation. A longer context uses more memory on every machine.",
  },
  {
    name: "maxAnswerTokens",
    label: "Answer limit (tokens)",
    min: 1,
    max: 1_048_576,
    step: 1,
    help: "A chat answer stops after this many tokens.",
  },
  {
    name: "generationSlots",
    label: "Concurrent answers",
    min: 1,
    max: 64,
    step: 1,
    help: "More of them use more memory on every machine.",
  },
  {
    name: "telemetryIntervalMs",
    label: "Update interval (seconds)",
    min: 0.25,
    max: 60,
    scale: 0.001,
    step: 0.25,
    help: "How often each machine reports its state.",
  },
  {
    name: "activations",
    label: "Activation precision",
    choices: [
      ["int8", "8-bit integers"],
      ["float", "Floating point"],
    ],
    help: "8-bit integers are faster, as in llama.cpp. Floating point is closest to the original model.",
  },
] as const satisfies readonly Field[];

export class SettingsDialog extends DialogElement {
  static override properties = { problem: { state: true } };
  declare problem?: string;

  readonly #save = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const { placementRules: rules, ...before } = this.#settings;
    const parsed = Settings.safeParse({
      ...before,
      ...readFields(form, FIELDS),
      placementRules: readRules(form, rules ?? DEFAULT_PLACEMENT_RULES),
      ...(this.#isOpener ? { changesBy: form.get("changesBy") } : {}),
    });
    if (!parsed.success) {
      this.problem = describeInputProblem({ kind: "settings_out_of_range" });
      return;
    }
    this.problem = "";
    this.send({ type: "change_settings", settings: parsed.data });
    this.close();
  };

  readonly #rename = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const name = form.querySelector<HTMLInputElement>("#name")!.value.trim();
    if (name !== "") this.send({ type: "rename_member", name });
  };

  override render() {
    return this.dialog(
      "Settings",
      "closerequest",
      () => html`${this.#roomForm()} ${this.#tabForm()}`,
    );
  }

  get #settings(): Settings {
    return this.view.state?.settings ?? DEFAULT_SETTINGS;
  }

  #roomForm() {
    const settings = this.#settings;
    return html`<form @submit=${this.#save} aria-labelledby="room-title">
      <h3 id="room-title">Room settings</h3>
      <div class="pair">${FIELDS.map((field) => fieldTemplate(field, settings[field.name]))}</div>
      ${rulesFields(settings.placementRules ?? DEFAULT_PLACEMENT_RULES)}
      ${this.#changesBy(openerRule(settings))}
      <p class="problem" role="alert">${this.problem}</p>
      <button class="primary">Save room settings</button>
    </form>`;
  }

  get #isOpener(): boolean {
    const { self, state } = this.view;
    return self !== null && state?.openedBy === self;
  }

  #changesBy(chosen: string) {
    const openedBy = this.view.state?.openedBy ?? null;
    const opener = openedBy === null ? "the member" : `${this.nameOf(openedBy)}, the member`;
    return fieldTemplate(
      {
        name: "changesBy",
        label: "Who may change the room",
        choices: [
          ["everyone", "Every member that computes"],
          ["opener", `Only ${opener} that opened the room`],
        ],
        help: "This applies to models, placement, members, and these settings. Everyone can chat. Only the member that opened the room can change this rule.",
      },
      chosen,
      !this.#isOpener,
    );
  }

  #tabForm() {
    const self = this.members.find((member) => member.id === this.view.self);
    return html`<form class="tab" @submit=${this.#rename} aria-labelledby="tab-title">
      <h3 id="tab-title">This tab</h3>
      <div class="field">
        <label for="name">Name</label>
        <div class="field-row">
          <input id="name" name="name" maxlength="80" required .value=${self?.name ?? ""} />
          <button>Rename</button>
        </div>
      </div>
      <button
        type="button"
        class="link"
        ?disabled=${self?.adapter == null}
        @click=${() => this.send({ type: "measure_again" })}
      >
        Measure this machine again
      </button>
      <button type="button" class="link" @click=${() => this.send({ type: "save_log" })}>
        Save the room's log
      </button>
    </form>`;
  }

  static override styles = [
    baseStyles,
    rulesStyles,
    css`
      form {
        display: grid;
        gap: var(--gap-l);
      }
      .tab {
        margin-top: var(--gap-l);
        padding-top: var(--gap-l);
        border-top: 1px solid var(--line);
      }
      .pair {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 10rem), 1fr));
        gap: var(--gap-l);
      }
      fieldset {
        display: grid;
        gap: var(--gap-xs);
      }
      legend {
        padding-bottom: var(--gap-xs);
      }
    `,
  ];
}
customElements.define("tabmesh-settings", SettingsDialog);
