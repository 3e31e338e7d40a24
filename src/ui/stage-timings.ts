/** Where the time of one token went: compute and transfer of each stage, and the speed. */
import { css, html, nothing } from "lit";
import type { PageView, StageTiming } from "./page-view.ts";
import { figure, time } from "../words/index.ts";
import { baseStyles } from "./base-styles.ts";
import { memberColor } from "./member-colors.ts";
import { PageElement } from "./page-element.ts";
import "./speed-line.ts";

/** Tokens per second of the answer being written, else of the last one; null before any. */
export function speedNow(view: PageView): number | null {
  return view.chat.findLast((message) => message.tokensPerSecond !== null)?.tokensPerSecond ?? null;
}

export class StageTimings extends PageElement {
  protected override readonly live = ["chat", "timings"] as const;
  override render() {
    const { timings } = this.view;
    const speed = speedNow(this.view);
    if (timings.length === 0 && speed === null) return nothing;
    const total = timings.reduce((sum, { computeMs, hopMs }) => sum + computeMs + hopMs, 0);
    return html`<section aria-labelledby="title">
      <h2 id="title">Time per token</h2>
      <div class="top">
        ${
          speed === null
            ? nothing
            : html`<p class="speed"><b class="figure">${figure(speed)}</b> tokens/s</p>
                <tabmesh-speed
                  .speed=${speed}
                  .tick=${this.view.chat.at(-1)?.tokens}
                ></tabmesh-speed>`
        }
      </div>
      ${timings.length === 0 ? nothing : this.#bar(timings, total)}
    </section>`;
  }

  #bar(timings: readonly StageTiming[], total: number) {
    const hops = timings.reduce((sum, { hopMs }) => sum + hopMs, 0);
    return html`
      <div
        class="bar"
        role="img"
        aria-label="${time(total)}: ${time(total - hops)} computing, ${time(hops)} in transfer"
      >
        ${timings.map(
          ({ member, computeMs, hopMs }) =>
            html`<span
                style="flex-grow: ${computeMs}; background: ${memberColor(this.members, member)}"
              ></span
              ><i style="flex-grow: ${hopMs}"></i>`,
        )}
      </div>
      <p class="small quiet">
        <b class="figure">${time(total)}</b> total:
        <b class="figure">${time(total - hops)}</b> computing,
        <b class="figure">${time(hops)}</b> in transfer${this.#predictedTotal(timings)}
      </p>
      <details ?open=${timings.length <= 4}>
        <summary>By stage</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">Stage</th>
              <th scope="col">Compute</th>
              <th scope="col">Transfer</th>
            </tr>
          </thead>
          <tbody>
            ${timings.map(
              ({ member, computeMs, hopMs }, stage) =>
                html`<tr>
                  <th scope="row">
                    <span style="background: ${memberColor(this.members, member)}"></span
                    >${this.nameOf(member)}
                  </th>
                  <td class="figure">
                    ${this.#predictedOf(timings, stage, "computeMs")} <b>${time(computeMs)}</b>
                  </td>
                  <td class="figure">
                    ${this.#predictedOf(timings, stage, "hopMs")} <b>${time(hopMs)}</b>
                  </td>
                </tr>`,
            )}
          </tbody>
        </table>
      </details>
    `;
  }

  /** The prediction for the same stages; null if it is for others. */
  #predictedFor(timings: readonly StageTiming[]): readonly StageTiming[] | null {
    const { predicted = [] } = this.view;
    const isSame =
      predicted.length === timings.length &&
      predicted.every(({ member }, stage) => member === timings[stage]?.member);
    return isSame ? predicted : null;
  }

  #predictedTotal(timings: readonly StageTiming[]) {
    const predicted = this.#predictedFor(timings);
    if (predicted === null) return ".";
    const total = predicted.reduce((sum, { computeMs, hopMs }) => sum + computeMs + hopMs, 0);
    return html`; predicted <b class="figure">${time(total)}</b>.`;
  }

  #predictedOf(timings: readonly StageTiming[], stage: number, part: "computeMs" | "hopMs") {
    const value = this.#predictedFor(timings)?.[stage]?.[part];
    return value === undefined
      ? nothing
      : html`<span class="quiet">predicted ${time(value)}</span>`;
  }

  static override styles = [
    baseStyles,
    css`
      .top {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        align-items: end;
        gap: var(--gap-l);
        margin: var(--gap-s) 0 var(--gap-m);
      }
      .speed b {
        font-size: var(--text-2xl);
        font-weight: 600;
        letter-spacing: -0.04em;
        line-height: 1;
      }
      .bar {
        display: flex;
        height: 1.25rem;
        border-radius: 4px;
        overflow: hidden;
        margin-bottom: var(--gap-s);
      }
      .bar > * {
        flex-basis: 0;
        min-width: 1px;
      }
      .bar i {
        background: repeating-linear-gradient(
          135deg,
          var(--line-strong) 0 2px,
          var(--sunken) 2px 5px
        );
      }
      p b {
        color: var(--ink);
        font-weight: 600;
      }
      summary {
        color: var(--ink-quiet);
      }
      table {
        width: 100%;
        border-collapse: collapse;
        font-size: var(--text-s);
      }
      th {
        font-weight: 500;
        text-align: start;
        overflow-wrap: anywhere;
      }
      thead th {
        color: var(--ink-quiet);
      }
      th span {
        display: inline-block;
        width: 0.6rem;
        height: 0.6rem;
        margin-inline-end: var(--gap-s);
        border-radius: 2px;
      }
      td,
      thead th + th {
        padding-inline-start: var(--gap-l);
        text-align: end;
        white-space: nowrap;
      }
      td b {
        display: inline-block;
        min-width: 4.25rem;
        font-weight: 600;
      }
      @media (max-width: 30rem) {
        td {
          vertical-align: top;
        }
        td b,
        td .quiet {
          display: block;
        }
        td .quiet {
          font-size: var(--text-xs);
        }
      }
      tr > * {
        padding-block: 0.2rem;
      }
      tbody tr {
        border-top: 1px solid var(--line);
      }
    `,
  ];
}
customElements.define("tabmesh-timings", StageTimings);
