/** The model that the room runs, how far its loading is, and how to choose another. */
import "@awesome.me/webawesome/dist/components/progress-bar/progress-bar.js";
import { css, html, nothing } from "lit";
import type { ModelSummary } from "../shared/index.ts";
import { bytes, plural } from "../words/index.ts";
import { baseStyles } from "./base-styles.ts";
import "./model-choices.ts";
import { PageElement } from "./page-element.ts";

export class ModelPicker extends PageElement {
  override render() {
    const model = this.view.state?.placement?.model;
    const choices = html`<tabmesh-model-choices .view=${this.view}></tabmesh-model-choices>`;
    if (model === undefined) {
      return this.readOnly
        ? html`<p class="quiet">No model is placed.</p>`
        : html`<section aria-labelledby="title">
            <h2 id="title">Choose a model</h2>
            <p class="quiet lead">
              The model's layers are divided among the machines in this room so that answers are
              fast.
            </p>
            ${this.#progress()} ${choices}
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
              ${choices}
            </details>`
      }
    </section>`;
  }

  #current(model: ModelSummary) {
    return html`<p class="name headline">${model.name}</p>
      <p class="quiet">
        ${model.architecture} · ${model.quantization} · ${bytes(model.fileBytes)} ·
        ${plural(model.layers.length, "layer")} · hidden size ${model.hidden.toLocaleString("en")} ·
        context up to ${plural(model.contextTokens, "token")}
      </p>`;
  }

  #progress() {
    const { progress } = this.view;
    if (progress === null) return nothing;
    return html`<div class="progress field">
      <p class="small" role="status">${progress.label}</p>
      <wa-progress-bar
        label=${progress.label}
        ?indeterminate=${progress.fraction === null}
        .value=${(progress.fraction ?? 0) * 100}
      ></wa-progress-bar>
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
        overflow-wrap: anywhere;
      }
      .progress {
        margin-top: var(--gap-m);
      }
      wa-progress-bar {
        --track-height: 0.4rem;
      }
    `,
  ];
}
customElements.define("tabmesh-model", ModelPicker);
