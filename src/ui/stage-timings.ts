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

/** The time of one token over all stages. */
export function totalMs(timings: readonly StageTiming[]): number {
  return timings.reduce((sum, { computeMs, hopMs }) => sum + computeMs + hopMs, 0);
}

export class StageTimings extends PageElement {
  protected override readonly live = ["chat", "timings"] as const;

  override render() {
    const { timings, chat } = this.view;
    const speed = speedNow(this.view);
    if (timings.length === 0 && speed === null) return nothing;
    return html`<section aria-labelledby="title">
      <h2 id="title">Time per token</h2>
      ${
        speed === null
          ? nothing
          : html`<div class="top">
              <p class="speed"><b class="figure">${figure(speed)}</b> tokens/s</p>
              <tabmesh-speed .speed=${speed} .tick=${chat.at(-1)?.tokens}></tabmesh-speed>
            </div>`
      }
      ${timings.length === 0 ? nothing : this.#times(timings)}
    </section>`;
  }

  #times(timings: readonly StageTiming[]) {
    const { predicted = [] } = this.view;
    const isOfThese =
      predicted.length === timings.length &&
      predicted.every(({ member }, stage) => member === timings[stage]?.member);
    const predictions = isOfThese ? predicted : [];
    const total = totalMs(timings);
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
        <b class="figure">${time(hops)}</b> in
        transfer${isOfThese ? html`; predicted <b class="figure">${time(totalMs(predicted))}</b>` : nothing}.
      </p>
      <details ?open=${timings.length <= 4}>
        <summary class="quiet">By stage</summary>
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
                  ${timeCell(computeMs, predictions[stage]?.computeMs)}
                  ${timeCell(hopMs, predictions[stage]?.hopMs)}
                </tr>`,
            )}
          </tbody>
        </table>
      </details>
    `;
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

function timeCell(ms: number, predictedMs: number | undefined) {
  const predicted =
    predictedMs === undefined
      ? nothing
      : html`<span class="quiet">predicted ${time(predictedMs)}</span>`;
  return html`<td class="figure">${predicted} <b>${time(ms)}</b></td>`;
}
