/**
 * A line of the tokens per second over the last minute or so, drawn by uPlot. Each view
 * with a new speed adds a sample; the current value is shown beside it as text.
 */
import { LitElement, css, html, unsafeCSS, type PropertyValues } from "lit";
import uPlot from "uplot";
import plotStyles from "uplot/dist/uPlot.min.css?inline";
import type { PageView } from "./page-view.ts";

/** About a minute at a few samples per second. */
const SAMPLES = 240;
const HEIGHT = 44;

export class SpeedLine extends LitElement {
  static override properties = { speed: { type: Number }, view: { attribute: false } };
  declare speed: number | null;
  declare view: PageView | null;
  #plot: uPlot | null = null;
  readonly #history: number[] = [];
  readonly #resized = new ResizeObserver(() => this.#fit());
  readonly #dark = matchMedia("(prefers-color-scheme: dark)");
  readonly #recolor = () => this.#draw();

  constructor() {
    super();
    this.speed = null;
    this.view = null;
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
    if (this.speed === null || !(changed.has("speed") || (changed.has("view") && streaming)))
      return;
    this.#history.push(this.speed);
    if (this.#history.length > SAMPLES) this.#history.shift();
    if (this.#plot === null) this.#draw();
    this.#plot?.setData(this.#data());
  }

  #data(): uPlot.AlignedData {
    return [this.#history.map((_, index) => index), this.#history];
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
        series: [{}, { stroke: line, width: 1.75, points: { show: false } }],
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
