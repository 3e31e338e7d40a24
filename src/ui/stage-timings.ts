/** Where the time of one token went, over all stages, and the speed. */
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
    `,
  ];
}
customElements.define("tabmesh-timings", StageTimings);
