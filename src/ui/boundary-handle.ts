/**
 * The handle between two stages: a slider whose value is the layer where the
 * second stage starts. Emits `boundary-move` with that layer and decides nothing.
 */
import { LitElement, css, html } from "lit";

/** Layers that Page Up and Page Down move. */
const PAGE_LAYERS = 4;

export class BoundaryHandle extends LitElement {
  static override properties = {
    layer: { type: Number },
    min: { type: Number },
    max: { type: Number },
    label: {},
    valueText: {},
  };
  declare layer: number;
  declare min: number;
  declare max: number;
  declare label: string;
  declare valueText: string;
  /** Turns a pointer's x into a layer; the diagram knows its own scale. */
  layerAt: (clientX: number) => number = () => this.layer;

  #move(layer: number): void {
    const clamped = Math.min(this.max, Math.max(this.min, layer));
    if (clamped !== this.layer) {
      this.dispatchEvent(new CustomEvent("boundary-move", { detail: clamped }));
    }
  }

  readonly #key = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = {
      ArrowLeft: this.layer - 1,
      ArrowDown: this.layer - 1,
      ArrowRight: this.layer + 1,
      ArrowUp: this.layer + 1,
      PageDown: this.layer - PAGE_LAYERS,
      PageUp: this.layer + PAGE_LAYERS,
      Home: this.min,
      End: this.max,
    };
    const target = steps[event.key];
    if (target === undefined) return;
    event.preventDefault();
    this.#move(target);
  };

  readonly #grab = (event: PointerEvent): void => {
    const grip = event.currentTarget as HTMLElement;
    grip.setPointerCapture(event.pointerId);
    grip.focus();
    event.preventDefault();
  };

  readonly #drag = (event: PointerEvent): void => {
    const grip = event.currentTarget as HTMLElement;
    if (grip.hasPointerCapture(event.pointerId))
      this.#move(Math.round(this.layerAt(event.clientX)));
  };

  override render() {
    return html`<div
      role="slider"
      tabindex="0"
      aria-label=${this.label}
      aria-valuemin=${this.min}
      aria-valuemax=${this.max}
      aria-valuenow=${this.layer}
      aria-valuetext=${this.valueText}
      title="${this.valueText}. Drag, or use the arrow keys."
      @keydown=${this.#key}
      @pointerdown=${this.#grab}
      @pointermove=${this.#drag}
    ></div>`;
  }

  static override styles = css`
    div {
      position: absolute;
      inset: -7px auto -7px 0;
      width: 20px;
      margin-inline-start: -10px;
      cursor: col-resize;
      touch-action: none;
      outline: none;
    }
    div::before {
      content: "";
      position: absolute;
      inset: 2px 7px;
      border-radius: 3px;
      background: var(--ink);
      box-shadow: 0 0 0 2px var(--surface);
    }
    div:hover::before {
      background: var(--spruce);
    }
    div:focus-visible::before {
      background: var(--spruce);
      box-shadow:
        0 0 0 2px var(--surface),
        0 0 0 4px var(--spruce);
    }
  `;
}
customElements.define("tabmesh-boundary", BoundaryHandle);
