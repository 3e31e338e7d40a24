/** Every member of the room: first those that hold layers, then those that could, then observers. */
import { css, html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { differencesBetween, type Member, type Placement } from "../shared/index.ts";
import { describeDifferences } from "../words/index.ts";
import { baseStyles } from "./base-styles.ts";
import { icon } from "./icons.ts";
import "./member-card.ts";
import { PageElement } from "./page-element.ts";

/** Stage order, then members with an adapter, then those without; in each group, in the order in which they joined. */
export function inShownOrder(members: readonly Member[], placement: Placement | null): Member[] {
  const stages = placement?.stages ?? [];
  const rank = (member: Member): number => {
    const stage = stages.findIndex(({ member: id }) => id === member.id);
    if (stage >= 0) return stage;
    return stages.length + (member.adapter === null ? 1 : 0);
  };
  return members.toSorted((one, other) => rank(one) - rank(other));
}

export class MemberList extends PageElement {
  override render() {
    const computing = this.members.filter((member) => member.adapter !== null).length;
    const shown = inShownOrder(this.members, this.view.state?.placement ?? null);
    const differences = differencesBetween(this.members);
    return html`
      <h2>
        Members <span class="quiet">${this.members.length}</span>
        <span class="quiet small">${computing} can compute</span>
      </h2>
      ${
        computing < 2 && differences.length === 0
          ? nothing
          : html`<p class="mixed small quiet">
              <strong>${differences.length > 0 ? "Heterogeneous." : "Homogeneous."}</strong>
              ${describeDifferences(differences, this.nameOf)}
            </p>`
      }
      <ul>
        ${repeat(
          shown,
          (member) => member.id,
          (member) =>
            html`<li>
              <tabmesh-member .view=${this.view} .member=${member}></tabmesh-member>
            </li>`,
        )}
        ${this.view.joinUrl === null ? nothing : this.#invitation()}
      </ul>
    `;
  }

  #invitation() {
    return html`<li class="invitation card stack">
      <p class="quiet">
        ${
          this.members.length === 1
            ? "This is the only machine so far. Each machine that joins can run some of the layers."
            : "More machines can join and run some of the layers."
        }
      </p>
      <button class="compact" @click=${() => this.emit("open-dialog", "share")}>
        ${icon("qr")} Add a machine
      </button>
    </li>`;
  }

  static override styles = [
    baseStyles,
    css`
      h2 {
        display: flex;
        align-items: baseline;
        gap: var(--gap-s);
        margin-bottom: var(--gap-m);
      }
      h2 .small {
        margin-inline-start: auto;
        font-weight: 450;
        letter-spacing: 0;
      }
      .mixed {
        margin-bottom: var(--gap-m);
      }
      ul {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 23rem), 1fr));
        align-items: start;
        gap: var(--gap-m);
      }
      .invitation {
        justify-items: start;
        border: 1px dashed var(--line-strong);
        background: none;
      }
      li {
        min-width: 0;
      }
    `,
  ];
}
customElements.define("tabmesh-members", MemberList);
