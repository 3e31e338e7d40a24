/** The stages in order, as text. For a draft, predicted times and problems are those of the draft. */
import { css, html, nothing } from "lit";
import { type Placement, type Stage, modelBytes, shardBytes } from "../shared/index.ts";
import { bytes, layerRange, time } from "../words/index.ts";
import { baseStyles } from "./base-styles.ts";
import { loadedShare, shardOf } from "./layer-bar.ts";
import { memberColor } from "./member-colors.ts";
import { PageElement } from "./page-element.ts";
import type { StageTiming } from "./page-view.ts";

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
    const parts = [
      ...(index === 0 ? ["embedding"] : []),
      layerRange(stage),
      ...(index === this.stages.length - 1 ? ["output head"] : []),
    ];
    return html`<li class="line wrap">
      <span>
        <span class="number figure">${index + 1}</span>
        <span class="swatch" style="background: ${memberColor(this.members, stage.member)}"></span>
        <strong>${this.nameOf(stage.member)}</strong>
      </span>
      <span class="quiet">${parts.join(", ")} · ${sizes(placement, stage)}</span>
      ${this.#status(placement, stage)} ${this.#times(stage, index)}
    </li>`;
  }

  #status(placement: Placement, stage: Stage) {
    const shard = shardOf(this.members, placement, stage);
    if (shard?.status === "failed") return html`<span class="tag bad">failed</span>`;
    if (shard?.status !== "loading") return nothing;
    const progress = `${shard.phase} ${Math.floor(loadedShare(shard) * 100)}%`;
    return html`<span class="tag good">${progress}</span>`;
  }

  #times(stage: Stage, index: number) {
    const draft = this.isDraft ? this.previewOf(this.stages) : null;
    const problem = draft?.stages[index]?.problem;
    if (problem != null) return html`<span class="tag bad">${problem}</span>`;
    const { predicted, timings } = this.view;
    const shown = (label: string, times: readonly StageTiming[] | undefined) => {
      const timing = times?.[index];
      // Right after a placement, the times may still be those of another member.
      return timing?.member === stage.member ? labeledTime(label, timing) : nothing;
    };
    return html`<span class="times line wrap small">
      ${shown("predicted", this.isDraft ? draft?.stages : predicted)}
      ${this.isDraft ? nothing : shown("measured", timings)}
    </span>`;
  }

  static override styles = [
    baseStyles,
    css`
      ol {
        margin-top: var(--gap-m);
      }
      li {
        align-items: baseline;
        gap: 0 var(--gap-s);
        font-size: var(--text-s);
      }
      .number {
        color: var(--ink-quiet);
      }
      .swatch {
        display: inline-block;
        width: 0.6rem;
        height: 0.6rem;
        margin-inline: var(--gap-xs);
        border-radius: 2px;
      }
      .tag {
        white-space: normal;
        line-height: 1.35;
      }
      .times {
        margin-inline-start: auto;
        gap: 0 var(--gap-m);
      }
    `,
  ];
}
customElements.define("tabmesh-stage-list", StageList);

function labeledTime(label: string, { computeMs, hopMs }: StageTiming) {
  const hop = hopMs === 0 ? "" : ` + ${time(hopMs)} transfer`;
  return html`<span
    ><span class="quiet">${label}</span> <b class="figure">${time(computeMs)}</b
    ><span class="quiet figure">${hop}</span></span
  >`;
}

function sizes(placement: Placement, stage: Stage): string {
  const { weightBytes, cacheBytes } = shardBytes(modelBytes(placement.model, placement), stage);
  return `${bytes(weightBytes)} weights, ${bytes(cacheBytes)} KV cache`;
}
