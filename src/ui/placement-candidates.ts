/** The current placement and others side by side, with what explains each; any of them can be applied. */
import { css, html, nothing } from "lit";
import { sameStages } from "../shared/index.ts";
import type { PlacementCandidate } from "./page-view.ts";
import { figure, plural, time } from "../words/index.ts";
import { baseStyles } from "./base-styles.ts";
import { layerBarStyles, layerSlabs } from "./layer-bar.ts";
import { PageElement } from "./page-element.ts";

export class PlacementCandidates extends PageElement {
  override render() {
    const { placementPreview: preview, state } = this.view;
    if (state?.placement == null) return nothing;
    const candidates = preview?.candidates ?? [];
    const toggle = ({ target }: Event): void =>
      this.send({ type: "show_preview", shown: (target as HTMLDetailsElement).open });
    return html`<details @toggle=${toggle}>
      <summary>Why this placement, and others that are possible</summary>
      <ul>
        ${
          preview == null || candidates.length === 0
            ? html`<li>Computing the placements.</li>`
            : candidates.map((candidate) => this.#candidate(preview.model, candidate))
        }
      </ul>
    </details>`;
  }

  #candidate(model: string, candidate: PlacementCandidate) {
    const placement = this.view.state?.placement ?? null;
    const running = sameStages(candidate.stages, placement?.stages ?? []);
    const state = placement?.ready ? "Running" : "Loading";
    return html`<li class="card stack">
      <h3>
        ${candidate.label} ${running ? html`<span class="tag good">${state}</span>` : nothing}
      </h3>
      ${
        candidate.infeasible === null
          ? html`<p class="numbers">
              <b class="figure">${time(candidate.msPerToken)}</b> per token ·
              <b class="figure">${figure(candidate.tokensPerSecond)}</b> tokens/s
            </p>`
          : html`<p class="problem">${candidate.infeasible}</p>`
      }
      <div class="layers" role="img" aria-label=${this.#label(candidate)}>
        ${layerSlabs(candidate.stages, this.members)}
      </div>
      <ul class="field small quiet">
        ${candidate.explanation.map((line) => html`<li>${line}</li>`)}
      </ul>
      ${
        running || candidate.infeasible !== null
          ? nothing
          : html`<button
              class="compact"
              aria-label="Use this placement: ${candidate.label}"
              @click=${() => this.#take(model, candidate)}
            >
              Use this
            </button>`
      }
    </li>`;
  }

  #label({ stages }: PlacementCandidate): string {
    return stages
      .map(({ member, first, end }) => `${this.nameOf(member)}: ${plural(end - first, "layer")}`)
      .join(", ");
  }

  #take(model: string, candidate: PlacementCandidate): void {
    const stages = candidate.stages.map(({ member, first, end }) => ({ member, first, end }));
    this.send({ type: "place_stages", model, stages });
  }

  static override styles = [
    baseStyles,
    layerBarStyles,
    css`
      details {
        margin-top: var(--gap-m);
      }
      details > ul {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 16rem), 1fr));
        gap: var(--gap-m);
        margin-top: var(--gap-m);
      }
      .card {
        grid-template-rows: auto auto auto 1fr auto;
      }
      .layers {
        height: 1.25rem;
        gap: 2px;
      }
      button {
        justify-self: start;
      }
    `,
  ];
}
customElements.define("tabmesh-candidates", PlacementCandidates);
