/**
 * The model that the room runs, how far its loading is, and the ways to give the room another: one
 * known or offered, one by URL, one from this disk.
 */
import { css, html, nothing } from "lit";
import type { ModelSource, ModelSummary } from "../shared/index.ts";
import { bytes, plural } from "../words/index.ts";
import { baseStyles } from "./base-styles.ts";
import { filePicker } from "./file-picker.ts";
import { icon } from "./icons.ts";
import { PageElement } from "./page-element.ts";

type Choice = { readonly name: string; readonly note: string; readonly source: ModelSource };

export class ModelPicker extends PageElement {
  override render() {
    const model = this.view.state?.placement?.model;
    if (model === undefined) {
      return this.readOnly
        ? html`<p class="quiet">No model is placed.</p>`
        : html`<section aria-labelledby="title">
            <h2 id="title">Choose a model</h2>
            <p class="quiet lead">
              The model's layers are divided among the machines in this room so that answers are
              fast.
            </p>
            ${this.#progress()} ${this.#ways()}
          </section>`;
    }
    return html`<section aria-labelledby="title">
      <h2 id="title" class="unseen">Model</h2>
      ${this.#current(model)} ${this.#progress()}
      ${
        this.readOnly
          ? nothing
          : html`<details>
              <summary>Change model</summary>
              ${this.#ways()}
            </details>`
      }
    </section>`;
  }

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
    this.#place({ kind: "url", url });
  };

  #current(model: ModelSummary) {
    return html`<p class="name headline">${model.name}</p>
      <p class="quiet">
        ${model.architecture} · ${model.quantization} · ${bytes(model.fileBytes)} ·
        ${plural(model.layers.length, "layer")} · hidden size ${model.hidden.toLocaleString("en")} ·
        context up to ${plural(model.contextTokens, "token")}
      </p>`;
  }

  #ways() {
    const running = this.view.state?.placement?.model.name;
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
      <form class="field" @submit=${this.#placeAddress}>
        <label for="url">URL of a GGUF file</label>
        <div class="field-row">
          <input
            id="url"
            name="url"
            type="url"
            required
            pattern=" *https?://.*"
            title="Browsers load models from http:// and https:// addresses. Choose a file to load one of this machine."
            placeholder="https://"
          />
          <button>Load</button>
        </div>
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

  #progress() {
    const { progress } = this.view;
    if (progress === null) return nothing;
    return html`<div class="progress field">
      <p class="small" role="status">${progress.label}</p>
      <progress aria-label=${progress.label} value=${progress.fraction ?? nothing}></progress>
    </div>`;
  }

  static override styles = [
    baseStyles,
    css`
      .lead {
        margin-top: var(--gap-xs);
      }
      .name {
        line-height: 1.2;
      }
      .progress {
        margin-top: var(--gap-m);
      }
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
customElements.define("tabmesh-model", ModelPicker);
