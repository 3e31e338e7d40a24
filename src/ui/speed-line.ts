/**
 * A line of a value over the last minutes, such as the tokens per second. Each new value adds a sample,
 * and so does each new `tick`; the current value is shown beside it as text. `ahead` continues it as a
 * dashed line: a forecast at the same intervals.
 */
import { css, html, LitElement, nothing, type PropertyValues } from "lit";

/** As many as fit in the line. */
const MAX_SAMPLES = 240;

export class SpeedLine extends LitElement {
  static override properties = {
    speed: { type: Number },
    tick: { attribute: false },
    ahead: { attribute: false },
  };
  declare speed: number;
  declare tick: number;
  declare ahead?: readonly number[];
  readonly #history: number[] = [];

  override willUpdate(changed: PropertyValues): void {
    if (!changed.has("speed") && !changed.has("tick")) return;
    this.#history.push(this.speed);
    if (this.#history.length > MAX_SAMPLES) this.#history.shift();
  }

  override render() {
    const { ahead = [] } = this;
    const newest = this.#history.length - 1;
    if (newest + ahead.length === 0) return nothing;
    // The forecast begins at the newest sample, so that the lines meet.
    const forecast = [this.speed, ...ahead];
    const top = Math.max(1, 1.15 * Math.max(...this.#history, ...forecast));
    const points = (values: readonly number[], start: number) =>
      values.map((value, index) => `${start + index},${top - value}`).join(" ");
    return html`<svg
      viewBox="0 0 ${newest + ahead.length} ${top}"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <polyline points=${points(this.#history, 0)} />
      <polyline class="ahead" points=${points(forecast, newest)} />
    </svg>`;
  }

  static override styles = css`
    :host {
      display: block;
      min-width: 0;
    }
    svg {
      display: block;
      width: 100%;
      height: 44px;
      fill: none;
      stroke: var(--spruce);
      stroke-width: 1.75;
      stroke-linejoin: round;
    }
    polyline {
      vector-effect: non-scaling-stroke;
    }
    .ahead {
      stroke-dasharray: 4 4;
    }
  `;
}
customElements.define("tabmesh-speed", SpeedLine);
