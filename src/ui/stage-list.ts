/**
 * The stages in order, as text and as cells that fill while the layers load. For a draft,
 * predicted times and problems are those of the draft.
 */
import { css, html, nothing } from "lit";
import {
  type Placement,
  type ShardState,
  type Stage,
  modelBytes,
  shardBytes,
} from "../shared/index.ts";
import { bytes, layerRange, time } from "../words/index.ts";
import { baseStyles } from "./base-styles.ts";
import { memberColor } from "./member-colors.ts";
import { PageElement } from "./page-element.ts";

export class StageList extends PageElement {
  protected override readonly live = ["timings"] as const;
  static override properties = { stages: { attribute: false }, isDraft: { attribute: false } };
  declare stages: readonly Stage[];
  declare isDraft: boolean;

  override render() {
    const placement = this.view.state?.placement ?? null;
    if (placement === null) return nothing;
    return html`<ol class="stack" aria-label="Pipeline stages in order">
      ${this.stages.map((stage, index) => this.#stage(placement, stage, index))}
    </ol>`;
  }

  #stage(placement: Placement, stage: Stage, index: number) {
    const count = placement.model.layers.length;
    const layers = stage.end - stage.first;
    const shard = this.#shardOf(placement, stage);
    const style = `--cells: ${layers}; --hue: ${memberColor(this.members, stage.member)}`;
    const extent = `left: ${(stage.first / count) * 100}%; width: ${(layers / count) * 100}%`;
    const [isFirst, isLast] = [index === 0, index === this.stages.length - 1];
    const parts = [
      ...(isFirst ? ["embedding"] : []),
      layerRange(stage),
      ...(isLast ? ["output head"] : []),
    ];
    return html`<li style=${style}>
      <div class="label line wrap">
        <span>
          <span class="number figure">${index + 1}</span>
          <strong>${this.nameOf(stage.member)}</strong>
        </span>
        <span class="quiet">${parts.join(", ")} · ${sizes(placement, stage)}</span>
        ${this.#status(shard)} ${this.#times(stage, index)}
      </div>
      <div class="track" aria-hidden="true">
        <span class="end ${isFirst ? "held" : ""}"></span>
        <div class="layers">
          <span class="cells" style=${extent}
            ><i style="width: ${loadedFraction(placement, shard) * 100}%"></i
          ></span>
        </div>
        <span class="end ${isLast ? "held" : ""}"></span>
      </div>
    </li>`;
  }

  #shardOf({ id }: Placement, { member }: Stage): ShardState | null {
    const shard = this.members.find((each) => each.id === member)?.shard ?? null;
    return shard?.placement === id ? shard : null;
  }

  #status(shard: ShardState | null) {
    if (shard?.status === "failed") return html`<span class="tag bad">failed</span>`;
    if (shard?.status !== "loading") return nothing;
    const progress = `${shard.phase} ${Math.floor(loadedShare(shard) * 100)}%`;
    return html`<span class="tag good">${progress}</span>`;
  }

  #times(stage: Stage, index: number) {
    const draft = this.isDraft ? this.previewOf(this.stages) : undefined;
    const problem = draft?.stages[index]?.problem;
    if (problem != null) return html`<span class="tag bad">${problem}</span>`;
    const predictions = this.isDraft ? draft?.stages : this.view.predicted;
    const predicted = predictions?.[index]?.computeMs;
    const measured = this.isDraft ? undefined : this.#measuredOf(stage, index);
    if (predicted === undefined && measured === undefined) return nothing;
    return html`<span class="times small"
      >${labeledTime("predicted", predicted)} ${labeledTime("measured", measured)}</span
    >`;
  }

  /** Right after a placement, the measurements may still be of another member. */
  #measuredOf({ member }: Stage, index: number): number | undefined {
    const timing = this.view.timings[index];
    return timing?.member === member ? timing.computeMs : undefined;
  }

  static override styles = [
    baseStyles,
    css`
      ol {
        margin-top: var(--gap-l);
      }
      .end {
        display: grid;
      }
      .layers {
        position: relative;
        min-width: 0;
      }
      .label {
        align-items: baseline;
        gap: 0 var(--gap-s);
        margin-bottom: 3px;
        font-size: var(--text-s);
        overflow-wrap: anywhere;
      }
      .number {
        margin-inline-end: var(--gap-xs);
        color: var(--ink-quiet);
      }
      .label .tag {
        white-space: normal;
        line-height: 1.35;
      }
      .times {
        margin-inline-start: auto;
        white-space: nowrap;
      }
      .times b + .quiet {
        margin-inline-start: 0.4em;
      }
      .track {
        display: grid;
        grid-template-columns: 1rem minmax(0, 1fr) 1rem;
        gap: 3px;
        height: 0.75rem;
      }
      .track .layers,
      .track .end {
        border-radius: 2px;
        background: var(--sunken);
      }
      .track .end.held {
        background: repeating-linear-gradient(45deg, var(--hue) 0 3px, var(--sunken) 3px 5px);
      }
      .cells {
        position: absolute;
        inset-block: 0;
        border-radius: 2px;
        background: color-mix(in oklab, var(--hue) 28%, var(--sunken));
        overflow: hidden;
      }
      .cells i {
        position: absolute;
        inset: 0 auto 0 0;
        background: var(--hue);
        transition: width 300ms;
      }
      /* One cell per layer: the gaps are drawn over the fill. */
      .cells::after {
        content: "";
        position: absolute;
        inset: 0;
        background: repeating-linear-gradient(
          90deg,
          transparent 0 calc(100% / var(--cells) - 1px),
          var(--surface) calc(100% / var(--cells) - 1px) calc(100% / var(--cells))
        );
        opacity: 0.85;
      }
    `,
  ];
}
customElements.define("tabmesh-stage-list", StageList);

function labeledTime(label: string, ms: number | undefined) {
  if (ms === undefined) return nothing;
  return html`<span class="quiet">${label}</span> <b class="figure">${time(ms)}</b>`;
}

function sizes(placement: Placement, stage: Stage): string {
  const { weightBytes, cacheBytes } = shardBytes(modelBytes(placement.model, placement), stage);
  return `${bytes(weightBytes)} weights, ${bytes(cacheBytes)} KV cache`;
}

function loadedFraction(placement: Placement, shard: ShardState | null): number {
  if (shard === null) return placement.ready ? 1 : 0;
  return shard.status === "ready" ? 1 : loadedShare(shard);
}

function loadedShare({ loadedBytes, totalBytes }: ShardState): number {
  return totalBytes === 0 ? 0 : Math.min(1, loadedBytes / totalBytes);
}
