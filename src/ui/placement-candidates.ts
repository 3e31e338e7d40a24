/** The solver's candidate placements side by side, with its reasons; any of them can be applied. */
import { css, html, nothing } from "lit";
import { sameStages } from "../shared/index.ts";
import type { PlacementCandidate } from "./page-view.ts";
import { figure, plural, time } from "../words/index.ts";
import { baseStyles } from "./base-styles.ts";
import { memberColor } from "./member-colors.ts";
import { PageElement } from "./page-element.ts";

export class PlacementCandidates extends PageElement {
  override render() {
    const { placementPreview: preview, state } = this.view;
    if (state?.placement == null) return nothing;
    const candidates = preview?.candidates ?? [];
    return html`<details @toggle=${this.previewToggle("candidates")}>
      <summary>
        Compare ${candidates.length > 1 ? plural(candidates.length, "placement") : "placements"}
      </summary>
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
    return html`<li class="card">
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
      <div class="bar" role="img" aria-label=${this.#label(candidate)}>
        ${candidate.stages.map(
          ({ member, first, end }) =>
            html`<span
              style="flex: ${end - first}; background: ${memberColor(this.members, member)}"
              ><b aria-hidden="true">${end - first}</b></span
            >`,
        )}
      </div>
      <ul class="why small quiet">
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
      details > ul > li {
        display: flex;
        flex-direction: column;
        gap: var(--gap-s);
      }
      .bar {
        display: flex;
        gap: 2px;
        height: 1.25rem;
        border-radius: 3px;
        overflow: hidden;
      }
      .bar span {
        display: grid;
        place-items: center;
        min-width: 1.1rem;
      }
      .bar b {
        padding: 0 0.25rem;
        border-radius: 3px;
        background: var(--surface);
        font: 700 0.6875rem / 1.3 var(--mono);
      }
      .why li + li {
        margin-top: var(--gap-xs);
      }
      button {
        align-self: flex-start;
        margin-top: auto;
      }
    `,
  ];
}
customElements.define("tabmesh-candidates", PlacementCandidates);
