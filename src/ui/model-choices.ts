/** The ways to give the room a model: one known or offered, one by URL, one from this disk. */
import { css, html, nothing } from "lit";
import type { ModelSource } from "../shared/index.ts";
import { bytes, describeInputProblem, type InputProblem } from "../words/index.ts";
import { baseStyles } from "./base-styles.ts";
import { filePicker } from "./file-picker.ts";
import { icon } from "./icons.ts";
import { PageElement } from "./page-element.ts";

type Choice = { readonly name: string; readonly note: string; readonly source: ModelSource };

/** Why a model cannot be loaded from this URL; null if it can be tried. */
export function addressProblem(text: string): InputProblem | null {
  if (text === "") return { kind: "url_empty" };
  if (!URL.canParse(text)) return { kind: "url_invalid" };
  const { protocol } = new URL(text);
  return ["https:", "http:"].includes(protocol) ? null : { kind: "url_protocol", protocol };
}

export class ModelChoices extends PageElement {
  static override properties = { problem: { state: true } };
  declare problem?: InputProblem | null;

  #choices(): Choice[] {
    const known = (this.view.state?.models ?? []).map((model) => ({
      name: model.name,
      note: `${model.quantization}, ${bytes(model.fileBytes)}`,
      source: model.source,
    }));
    const names = new Set(known.map(({ name }) => name));
    const offered = this.view.offeredModels
      .filter(({ name }) => !names.has(name))
      .map(({ name, url }) => ({
        name,
        note: "on this server",
        source: { kind: "url", url } as const,
      }));
    return [...known, ...offered];
  }

  #place(source: ModelSource): void {
    this.send({ type: "place_model", source });
  }

  readonly #placeAddress = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const url = form.querySelector<HTMLInputElement>("#url")!.value.trim();
    this.problem = addressProblem(url);
    if (this.problem === null) this.#place({ kind: "url", url });
  };

  override render() {
    const running = this.view.state?.placement?.model.name ?? null;
    const choices = this.#choices();
    return html`<div class="ways">
      ${
        choices.length === 0
          ? nothing
          : html`<ul class="stack">
              ${choices.map(
                ({ name, note, source }) =>
                  html`<li>
                    <button
                      class="model"
                      ?disabled=${name === running}
                      @click=${() => this.#place(source)}
                    >
                      <span class="title">${name}</span>
                      <span class="quiet small">${name === running ? "running" : note}</span>
                    </button>
                  </li>`,
              )}
            </ul>`
      }
      <form class="field" novalidate @submit=${this.#placeAddress}>
        <label for="url">URL of a GGUF file</label>
        <div class="field-row">
          <input
            id="url"
            name="url"
            type="url"
            placeholder="https://"
            aria-describedby="url-problem"
            aria-invalid=${this.problem ? "true" : "false"}
          />
          <button>Load</button>
        </div>
        <p id="url-problem" class="problem" role="status">
          ${this.problem && describeInputProblem(this.problem)}
        </p>
      </form>
      <div class="line wrap">
        ${filePicker("Choose or drop a file", ".gguf", (file) => this.send({ type: "place_file", file }))}
        <button
          class="plain"
          title="Deletes the model data stored in this browser. It is downloaded again when needed."
          @click=${() => this.send({ type: "clear_model_cache" })}
        >
          ${icon("trash")} Clear downloads
        </button>
      </div>
    </div>`;
  }

  static override styles = [
    baseStyles,
    css`
      .ways {
        display: grid;
        gap: var(--gap-l);
        max-width: 40rem;
        margin-top: var(--gap-m);
      }
      .model {
        width: 100%;
        flex-wrap: wrap;
        justify-content: space-between;
        gap: 0 var(--gap-l);
        padding: var(--gap-s) 1rem;
        border-color: var(--line);
        background: var(--surface);
        text-align: start;
      }
      .model:not(:disabled):hover {
        border-color: var(--spruce);
        background: var(--spruce-wash);
      }
      .title {
        min-width: 0;
        overflow-wrap: anywhere;
      }
      .model .quiet {
        font-weight: 450;
      }
    `,
  ];
}
customElements.define("tabmesh-model-choices", ModelChoices);
