/** The layers of stages from left to right, each stage in the color of its member, with its number of layers. */
import { css, html, type TemplateResult } from "lit";
import type { Stage } from "../shared/index.ts";
import { memberColor } from "./member-colors.ts";

/** Slabs to be put into a `layers` box. One that is too thin for its number does not show it. */
export function layerSlabs(
  stages: readonly Stage[],
  members: Parameters<typeof memberColor>[0],
): TemplateResult[] {
  return stages.map(({ member, first, end }) => {
    const style = `flex: ${end - first} 0 0; background: ${memberColor(members, member)}`;
    return html`<span class="slab" style=${style}><b aria-hidden="true">${end - first}</b></span>`;
  });
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
