/**
 * The placement: the model's layers from left to right, in full color as far as they are loaded,
 * with handles that move a boundary; the stages; and other placements. A draft stays here until
 * Apply sends it; its predicted cost arrives in `view.placementPreview`.
 */
import { html, nothing, type PropertyValues } from "lit";
import { live } from "lit/directives/live.js";
import {
  boundaryRange,
  moveBoundary,
  type Placement,
  sameStages,
  type Stage,
} from "../shared/index.ts";
import type { PlacementCandidate } from "./page-view.ts";
import {
  describeDecision,
  describeRoomFailure,
  describeTrigger,
  figure,
  plural,
  time,
} from "../words/index.ts";
import { baseStyles } from "./base-styles.ts";
import { layerBarStyles, layerSlabs, loadedShare, shardOf } from "./layer-bar.ts";
import { PageElement } from "./page-element.ts";
import { placementDiagramStyles } from "./placement-diagram-styles.ts";
import "./placement-candidates.ts";
import "./stage-list.ts";
import { totalMs } from "./stage-timings.ts";

export class PlacementDiagram extends PageElement {
  protected override readonly live = ["timings"] as const;
  static override properties = { draft: { state: true } };
  declare draft?: readonly Stage[] | null;
  #drawnPlacement: number | null = null;

  override willUpdate(changed: PropertyValues): void {
    // A draft belongs to the placement that it was made from.
    const id = this.view.state?.placement?.id ?? null;
    if (changed.has("view") && id !== this.#drawnPlacement) {
      this.#drawnPlacement = id;
      this.draft = null;
    }
  }

  #edit(placement: Placement, stages: readonly Stage[]): void {
    this.draft = sameStages(stages, placement.stages) ? null : stages;
    this.send({ type: "draft_stages", model: placement.model.name, stages: this.draft });
  }

  #apply(placement: Placement): void {
    if (!this.draft) return;
    const stages = this.draft.map((stage) => ({ ...stage }));
    this.send({ type: "place_stages", model: placement.model.name, stages });
    this.#edit(placement, placement.stages);
  }

  override render() {
    const placement = this.view.state?.placement ?? null;
    if (placement === null) return nothing;
    const stages = this.draft ?? placement.stages;
    return html`<section aria-labelledby="title">
      <header class="line wrap spread">
        <h2 id="title">Placement</h2>
        <p class="quiet small">${this.#summary(placement, stages)}</p>
      </header>
      ${
        placement.error === null
          ? nothing
          : html`<p class="failed box bad" role="alert">
              ${describeRoomFailure(placement.error, this.nameOf)}
            </p>`
      }
      ${this.#strip(placement, stages)} ${this.#decision(placement)}
      <tabmesh-stage-list
        .view=${this.view}
        .stages=${stages}
        .isDraft=${this.draft != null}
      ></tabmesh-stage-list>
      ${this.#lastDecision(placement)}
      ${
        this.readOnly ? nothing : html`<tabmesh-candidates .view=${this.view}></tabmesh-candidates>`
      }
    </section>`;
  }

  /** The last decision about this model, whether or not layers moved. */
  #lastDecision({ model }: Placement) {
    const decision = this.view.state?.lastDecision;
    if (decision == null || decision.model !== model.name || decision.outcome === "placed")
      return nothing;
    const { nameOf } = this;
    const box = decision.outcome === "impossible" ? "box warn" : "";
    return html`<p class="note small ${box}" role="status">
      <span class="quiet">${describeTrigger(decision.trigger, nameOf)}</span>
      ${describeDecision(decision, nameOf)}
    </p>`;
  }

  #summary(placement: Placement, stages: readonly Stage[]) {
    const count = placement.model.layers.length;
    const split = `${plural(count, "layer")} on ${plural(stages.length, "member")}`;
    const manual = placement.predictedMs === null ? ", placed manually" : "";
    const predicted = placement.predictedMs ?? this.#predictedNow();
    return `${split}${manual}${predicted === null ? "" : ` · predicted ${time(predicted)} per token`}`;
  }

  #strip(placement: Placement, stages: readonly Stage[]) {
    const label = stages
      .map((stage) => `${this.nameOf(stage.member)} layers ${stage.first} to ${stage.end - 1}`)
      .join("; ");
    const loaded = (stage: Stage) => {
      const shard = shardOf(this.members, placement, stage);
      return shard === null ? Number(placement.ready) : loadedShare(shard);
    };
    return html`<div class="strip" role="group" aria-label="Layers per member: ${label}">
      <span class="end" title="Embedding">E</span>
      <div class="layers">
        ${layerSlabs(stages, this.members, loaded)}
        ${this.readOnly ? nothing : stages.slice(1).map((_, boundary) => this.#handle(placement, stages, boundary))}
      </div>
      <span class="end" title="Output head: norm, logits, sampling">H</span>
    </div>`;
  }

  /** A slider over the layers at which the second of two stages may start; only its thumb is visible. */
  #handle(placement: Placement, stages: readonly Stage[], boundary: number) {
    const before = stages[boundary]!;
    const after = stages[boundary + 1]!;
    const count = placement.model.layers.length;
    const { min, max } = boundaryRange(stages, boundary);
    const [left, right] = [this.nameOf(before.member), this.nameOf(after.member)];
    const split = `${left}: ${plural(before.end - before.first, "layer")}, ${right}: ${plural(after.end - after.first, "layer")}`;
    return html`<input
      type="range"
      style="--start: ${min / count}; --extent: ${(max - min) / count}"
      min=${min}
      max=${max}
      .value=${live(String(after.first))}
      aria-label="Boundary between stage ${boundary + 1} (${left}) and stage ${boundary + 2} (${right})"
      aria-valuetext=${split}
      title="${split}. Drag, or use the arrow keys."
      @input=${({ target }: InputEvent) =>
        this.#edit(
          placement,
          moveBoundary(stages, boundary, (target as HTMLInputElement).valueAsNumber),
        )}
    />`;
  }

  /** The draft's predicted cost, and whether to apply it. */
  #decision(placement: Placement) {
    if (!this.draft) return nothing;
    const preview = this.previewOf(this.draft);
    return html`<div class="decision line wrap box good">
      <p role="status">${this.#cost(placement, preview)}</p>
      <button class="compact" @click=${() => this.#edit(placement, placement.stages)}>
        Discard
      </button>
      <button
        class="primary compact"
        ?disabled=${preview?.infeasible != null}
        @click=${() => this.#apply(placement)}
      >
        Apply
      </button>
    </div>`;
  }

  #cost(placement: Placement, preview: PlacementCandidate | null) {
    if (preview === null) return "Not applied yet. Calculating the predicted speed.";
    if (preview.infeasible !== null)
      return html`<b class="problem">Not possible:</b> ${preview.infeasible}`;
    const was = placement.predictedMs ?? this.#predictedNow();
    const change = was === null ? 0 : preview.msPerToken - was;
    const sign = change > 0 ? "slower" : "faster";
    return html`Predicted: <b class="figure">${time(preview.msPerToken)}</b> per token,
      <b class="figure">${figure(preview.tokensPerSecond)}</b> tokens/s${
        was === null || change === 0 ? "." : html` – ${time(Math.abs(change))} ${sign} than now.`
      }`;
  }

  /** The prediction for the running stages, for a placement without one of its own. */
  #predictedNow(): number | null {
    const { predicted = [] } = this.view;
    return predicted.length === 0 ? null : totalMs(predicted);
  }

  static override styles = [baseStyles, layerBarStyles, placementDiagramStyles];
}
customElements.define("tabmesh-placement", PlacementDiagram);
