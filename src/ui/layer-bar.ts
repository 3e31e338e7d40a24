/** The layers of stages from left to right, each stage in the color of its member, with its number of layers. */
import { css, html, type TemplateResult } from "lit";
import type { Member, Placement, ShardState, Stage } from "../shared/index.ts";
import { memberColor } from "./member-colors.ts";

/**
 * Slabs to be put into a `layers` box. One that is too thin for its number does not show it.
 * `loaded`: the share of each that is in its full color, from 0 to 1; 1 without it.
 */
export function layerSlabs(
  stages: readonly Stage[],
  members: readonly Member[],
  loaded: (stage: Stage) => number = () => 1,
): TemplateResult[] {
  return stages.map((stage) => {
    const layers = stage.end - stage.first;
    const style = `flex: ${layers} 0 0; --hue: ${memberColor(members, stage.member)}; --loaded: ${loaded(stage) * 100}%`;
    return html`<span class="slab" style=${style}><b aria-hidden="true">${layers}</b></span>`;
  });
}

/** What a stage's member has of this placement. */
export function shardOf(
  members: readonly Member[],
  { id }: Placement,
  { member }: Stage,
): ShardState | null {
  const shard = members.find((each) => each.id === member)?.shard ?? null;
  return shard?.placement === id ? shard : null;
}

export function loadedShare({ status, loadedBytes, totalBytes }: ShardState): number {
  if (status === "ready") return 1;
  return totalBytes === 0 ? 0 : Math.min(1, loadedBytes / totalBytes);
}

export const layerBarStyles = css`
  .layers {
    display: flex;
    min-width: 0;
  }
  .slab {
    container-type: inline-size;
    display: grid;
    place-items: center;
    overflow: hidden;
    background: linear-gradient(
      90deg,
      var(--hue) var(--loaded),
      color-mix(in oklab, var(--hue) 28%, var(--sunken)) 0
    );
  }
  .slab b {
    padding: 0.1rem 0.4rem;
    border-radius: 4px;
    background: var(--surface);
    color: var(--ink);
    font: 600 var(--text-xs) / 1.2 var(--mono);
  }
  @container (max-width: 1.75rem) {
    .slab b {
      display: none;
    }
  }
`;
