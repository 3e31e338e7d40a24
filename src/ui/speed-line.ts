/**
 * A line of a value over the last minutes, drawn by uPlot, such as the tokens per second. Each view with
 * a new value adds a sample, and so does each new `tick`; the current value is shown beside it as text.
 * `ahead` continues it as a dashed line: a forecast at the same intervals.
 */
import { LitElement, css, html, unsafeCSS, type PropertyValues } from "lit";
import uPlot from "uplot";
import plotStyles from "uplot/dist/uPlot.min.css?inline";
import type { PageView } from "./page-view.ts";

/** About a minute at a few samples per second. */
const SAMPLES = 240;
const HEIGHT = 44;

export class SpeedLine extends LitElement {
  static override properties = {
    speed: { type: Number },
    view: { attribute: false },
    tick: { attribute: false },
    ahead: { attribute: false },
    samples: { attribute: false },
  };
  declare speed: number | null;
  declare view: PageView | null;
  declare tick: number;
  declare ahead: readonly number[];
  /** How many are kept. */
  declare samples: number;
  #plot: uPlot | null = null;
  readonly #history: number[] = [];
  readonly #resized = new ResizeObserver(() => this.#fit());
  readonly #dark = matchMedia("(prefers-color-scheme: dark)");
  readonly #recolor = () => this.#draw();

  constructor() {
    super();
    this.speed = null;
    this.view = null;
    this.tick = 0;
    this.ahead = [];
    this.samples = SAMPLES;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resized.observe(this);
    this.#dark.addEventListener("change", this.#recolor);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resized.disconnect();
    this.#dark.removeEventListener("change", this.#recolor);
    this.#plot?.destroy();
    this.#plot = null;
  }

  override updated(changed: PropertyValues): void {
    const streaming = this.view?.chat.at(-1)?.status === "streaming";
    const isNew = changed.has("speed") || changed.has("tick") || (changed.has("view") && streaming);
    if (this.speed === null || !isNew) return;
    this.#history.push(this.speed);
    if (this.#history.length > this.samples) this.#history.shift();
    if (this.#plot === null) this.#draw();
    this.#plot?.setData(this.#data());
  }

  #data(): uPlot.AlignedData {
    const { ahead } = this;
    const length = this.#history.length + ahead.length;
    // The forecast begins at the newest sample, so that the lines meet.
    const before = Array.from({ length: this.#history.length - 1 }, () => null);
    return [
      Array.from({ length }, (_, index) => index),
      [...this.#history, ...ahead.map(() => null)],
      [...before, this.#history.at(-1) ?? null, ...ahead],
    ];
  }

  #draw(): void {
    this.#plot?.destroy();
    const line = getComputedStyle(this).color;
    this.#plot = new uPlot(
      {
        width: Math.max(1, this.clientWidth),
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        axes: [{ show: false }, { show: false }],
        scales: {
          x: { time: false },
          y: { range: (_, __, max) => [0, Math.max(1, max * 1.15)] },
        },
        series: [
          {},
          { stroke: line, width: 1.75, points: { show: false } },
          { stroke: line, width: 1.75, dash: [4, 4], points: { show: false } },
        ],
      },
      this.#data(),
      this.renderRoot.querySelector<HTMLElement>(".plot")!,
    );
  }

  #fit(): void {
    this.#plot?.setSize({ width: Math.max(1, this.clientWidth), height: HEIGHT });
  }

  override render() {
    return html`<div class="plot" aria-hidden="true"></div>`;
  }

  static override styles = [
    unsafeCSS(plotStyles),
    css`
      :host {
        display: block;
        min-width: 0;
        height: ${HEIGHT}px;
        overflow: hidden;
        color: var(--spruce);
      }
    `,
  ];
}
customElements.define("tabmesh-speed", SpeedLine);
