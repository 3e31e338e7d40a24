/**
 * The placement as a picture: the model's layers from left to right, a lane for
 * each stage, cells that fill as the layers load, and handles that move a
 * boundary. A draft stays here until Apply sends it; its predicted cost arrives in
 * `view.placementPreview`. The lanes show the same facts as text.
 */
import { html, nothing, type PropertyValues } from "lit";
import { type Placement, type Stage, modelBytes, shardBytes } from "../shared/index.ts";
import type { PlacementCandidate } from "./page-view.ts";
import {
  describeDecision,
  describeFailure,
  describeRoomFailure,
  describeTrigger,
  nameOfRoom,
} from "../words/index.ts";
import { baseStyles } from "./base-styles.ts";
import "./boundary-handle.ts";
import { emit } from "./events.ts";
import { bytes, figure, plural, time } from "./format.ts";
import { memberColor } from "./member-colors.ts";
import { PageElement } from "./page-element.ts";
import { boundaryRange, moveBoundary, previewOf, sameStages } from "./placement-draft.ts";
import { placementDiagramStyles } from "./placement-diagram-styles.ts";
import "./placement-candidates.ts";

export class PlacementDiagram extends PageElement {
  static override properties = { draft: { state: true } };
  declare draft: readonly Stage[] | null;
  #drawnPlacement: number | null = null;

  constructor() {
    super();
    this.draft = null;
  }

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
    emit(this, "stages-draft", { model: placement.model.name, stages: this.draft });
  }

  #apply(placement: Placement): void {
    if (this.draft === null) return;
    const stages = this.draft.map((stage) => ({ ...stage }));
    this.send({ type: "place_stages", model: placement.model.name, stages });
    emit(this, "stages-draft", { model: placement.model.name, stages: null });
    this.draft = null;
  }

  protected override get reads() {
    return ["state", "placementPreview", "predicted", "timings"] as const;
  }

  override render() {
    const placement = this.view.state?.placement ?? null;
    if (placement === null) return nothing;
    const stages = this.draft ?? placement.stages;
    return html`<section aria-labelledby="title">
      <header>
        <h2 id="title">Placement</h2>
        <p class="quiet small">${this.#summary(placement, stages)}</p>
      </header>
      ${
        placement.error === null
          ? nothing
          : html`<p class="failed" role="alert">
              ${describeRoomFailure(placement.error, nameOfRoom(this.view.state))}
            </p>`
      }
      ${this.#strip(placement, stages)} ${this.#decision(placement)}
      <ol class="lanes" aria-label="Pipeline stages in order">
        ${stages.map((_, index) => this.#lane(placement, stages, index))}
      </ol>
      ${this.#lastDecision(placement)} ${this.#why(placement)}
      <tabmesh-candidates .view=${this.view} .send=${this.send}></tabmesh-candidates>
    </section>`;
  }

  /** The last decision about this model, whether or not layers moved. */
  #lastDecision({ model }: Placement) {
    const decision = this.view.state?.lastDecision;
    if (decision == null || decision.model !== model.name || decision.outcome === "placed")
      return nothing;
    const nameOf = nameOfRoom(this.view.state);
    return html`<p class="note small ${decision.outcome}" role="status">
      <span class="quiet">${describeTrigger(decision.trigger, nameOf)}</span>
      ${describeDecision(decision, nameOf)}
    </p>`;
  }

  /** Where the time goes, what limits each share, and who is left out and why. */
  #why({ model }: Placement) {
    const preview = this.view.placementPreview;
    if (preview?.model !== model.name || !preview.why?.length) return nothing;
    return html`<details class="why">
      <summary>Why this placement</summary>
      <ul class="small">
        ${preview.why.map((line) => html`<li>${line}</li>`)}
      </ul>
    </details>`;
  }

  #summary(placement: Placement, stages: readonly Stage[]) {
    const count = placement.model.layers.length;
    const split = `${plural(count, "layer")} on ${plural(stages.length, "member")}`;
    const manual = placement.predictedMs === null ? ", placed manually" : "";
    const predicted = placement.predictedMs ?? this.#predictedNow();
    return `${split}${manual}${predicted === null ? "" : ` · predicted ${time(predicted)} per token`}`;
  }

  #strip(placement: Placement, stages: readonly Stage[]) {
    const count = placement.model.layers.length;
    const label = stages
      .map((stage) => `${this.nameOf(stage.member)} layers ${stage.first} to ${stage.end - 1}`)
      .join("; ");
    return html`<div class="strip" role="group" aria-label="Layers per member: ${label}">
      <span class="end" title="Embedding">E</span>
      <div class="layers">
        ${stages.map(
          (stage) =>
            html`<span
              class="slab ${stage.end - stage.first < count / 12 ? "thin" : ""}"
              style="flex: ${stage.end - stage.first} 0 0; --hue: ${memberColor(this.members, stage.member)}"
              ><b aria-hidden="true">${stage.end - stage.first}</b></span
            >`,
        )}
        ${stages.slice(1).map((_, boundary) => this.#handle(placement, stages, boundary))}
      </div>
      <span class="end" title="Output head: norm, logits, sampling">H</span>
    </div>`;
  }

  #handle(placement: Placement, stages: readonly Stage[], boundary: number) {
    const before = stages[boundary]!;
    const after = stages[boundary + 1]!;
    const count = placement.model.layers.length;
    const { min, max } = boundaryRange(stages, boundary);
    const layerAt = (clientX: number): number => {
      const box = this.renderRoot.querySelector(".layers")!.getBoundingClientRect();
      return ((clientX - box.left) / box.width) * count;
    };
    const [left, right] = [this.nameOf(before.member), this.nameOf(after.member)];
    return html`<tabmesh-boundary
      style="inset-inline-start: ${(after.first / count) * 100}%"
      .layer=${after.first}
      .min=${min}
      .max=${max}
      .layerAt=${layerAt}
      .label=${`Boundary between stage ${boundary + 1} (${left}) and stage ${boundary + 2} (${right})`}
      .valueText=${`${left}: ${plural(before.end - before.first, "layer")}, ${right}: ${plural(after.end - after.first, "layer")}`}
      @boundary-move=${(event: CustomEvent<number>) =>
        this.#edit(placement, moveBoundary(stages, boundary, event.detail))}
    ></tabmesh-boundary>`;
  }

  /** The draft's predicted cost, and whether to apply it. */
  #decision(placement: Placement) {
    if (this.draft === null) return nothing;
    const preview = previewOf(this.view.placementPreview?.draft, this.draft);
    return html`<div class="decision">
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
      return html`<b class="bad">Not possible:</b> ${preview.infeasible}`;
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
    if (predicted.length === 0) return null;
    return predicted.reduce((sum, { computeMs, hopMs }) => sum + computeMs + hopMs, 0);
  }

  #lane(placement: Placement, stages: readonly Stage[], index: number) {
    const stage = stages[index]!;
    const { model } = placement;
    const count = model.layers.length;
    const layers = stage.end - stage.first;
    const cells = `--cells: ${layers}; --hue: ${memberColor(this.members, stage.member)}`;
    const place = `left: ${(stage.first / count) * 100}%; width: ${(layers / count) * 100}%`;
    const parts = [
      index === 0 ? "embedding" : null,
      `${layers === 1 ? `layer ${stage.first}` : `layers ${stage.first}–${stage.end - 1}`}`,
      index === stages.length - 1 ? "output head" : null,
    ].filter((part) => part !== null);
    const loaded = this.#loadedFraction(placement, stage);
    return html`<li style=${cells}>
      <div class="label">
        <span class="number figure">${index + 1}</span>
        <strong>${this.nameOf(stage.member)}</strong>
        <span class="quiet">${parts.join(", ")} · ${this.#sizes(placement, stages, index)}</span>
        ${this.#status(placement, stage)} ${this.#times(stages, index)}
      </div>
      <div class="track" aria-hidden="true">
        <span class="end ${index === 0 ? "held" : ""}"></span>
        <div class="layers">
          <span class="cells" style=${place}><i style="width: ${loaded * 100}%"></i></span>
        </div>
        <span class="end ${index === stages.length - 1 ? "held" : ""}"></span>
      </div>
    </li>`;
  }

  #shardOf(placement: Placement, stage: Stage) {
    const shard = this.members.find((member) => member.id === stage.member)?.shard ?? null;
    return shard !== null && shard.placement === placement.id ? shard : null;
  }

  #loadedFraction(placement: Placement, stage: Stage): number {
    const shard = this.#shardOf(placement, stage);
    if (shard === null) return placement.ready ? 1 : 0;
    if (shard.status === "ready") return 1;
    return shard.totalBytes === 0 ? 0 : Math.min(1, shard.loadedBytes / shard.totalBytes);
  }

  #sizes(placement: Placement, stages: readonly Stage[], index: number): string {
    const model = modelBytes(placement.model, placement);
    const { weightBytes, cacheBytes } = shardBytes(model, stages[index]!);
    return `${bytes(weightBytes)} weights, ${bytes(cacheBytes)} KV cache`;
  }

  #status(placement: Placement, stage: Stage) {
    const shard = this.#shardOf(placement, stage);
    if (shard?.status === "failed")
      return html`<span class="tag bad"
        >${shard.error === null ? "failed" : describeFailure(shard.error, nameOfRoom(this.view.state))}</span
      >`;
    if (shard?.status !== "loading") return nothing;
    const done = shard.totalBytes === 0 ? 0 : (shard.loadedBytes / shard.totalBytes) * 100;
    return html`<span class="tag good">${shard.phase} ${Math.floor(done)}%</span>`;
  }

  /** Predicted and measured times; the prediction is the draft's while there is one. */
  #times(stages: readonly Stage[], index: number) {
    const draft = this.draft === null ? null : previewOf(this.view.placementPreview?.draft, stages);
    const costs = this.draft === null ? this.view.predicted : draft?.stages;
    const predicted = costs?.[index]?.computeMs;
    const measured = this.draft === null ? this.#measuredOf(stages[index]!, index) : undefined;
    const problem = draft?.stages[index]?.problem;
    if (problem != null) return html`<span class="tag bad">${problem}</span>`;
    if (predicted === undefined && measured === undefined) return nothing;
    return html`<span class="times small">
      ${predicted === undefined ? nothing : html`<span class="quiet">predicted</span> <b class="figure">${time(predicted)}</b>`}
      ${measured === undefined ? nothing : html`<span class="quiet">measured</span> <b class="figure">${time(measured)}</b>`}
    </span>`;
  }

  /** Right after a placement, the measurements may still be of another member. */
  #measuredOf({ member }: Stage, index: number): number | undefined {
    const timing = this.view.timings[index];
    return timing?.member === member ? timing.computeMs : undefined;
  }

  static override styles = [baseStyles, placementDiagramStyles];
}
customElements.define("tabmesh-placement", PlacementDiagram);
