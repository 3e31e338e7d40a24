/** Styles of the placement: the strip with its handles, and the decision about a draft. */
import { css } from "lit";

const thumb = css`
  width: 20px;
  height: calc(2.25rem + 14px);
  border: 0;
  border-radius: 3px;
  background: linear-gradient(
    90deg,
    transparent 5px,
    var(--surface) 5px 7px,
    var(--thumb, var(--ink)) 7px 13px,
    var(--surface) 13px 15px,
    transparent 15px
  );
  cursor: col-resize;
  pointer-events: auto;
`;

export const placementDiagramStyles = css`
  section > header {
    display: flex;
    flex-wrap: wrap;
    align-items: baseline;
    justify-content: space-between;
    gap: 0 var(--gap-l);
    margin-bottom: var(--gap-m);
  }
  .failed {
    margin-bottom: var(--gap-m);
  }
  .strip {
    display: grid;
    grid-template-columns: 1rem minmax(0, 1fr) 1rem;
    gap: 3px;
    height: 2.25rem;
    margin-block: 7px;
  }
  .strip .end {
    display: grid;
    place-items: center;
    border-radius: 4px;
    background: var(--sunken);
    color: var(--ink-quiet);
    font: 700 0.6875rem / 1 var(--mono);
  }
  .layers {
    position: relative;
    display: flex;
    min-width: 0;
  }
  .slab {
    display: grid;
    place-items: center;
    min-width: 0;
    background: var(--hue);
    overflow: hidden;
  }
  .slab:first-child {
    border-radius: 4px 0 0 4px;
  }
  .slab b {
    padding: 0.1rem 0.4rem;
    border-radius: 4px;
    background: var(--surface);
    color: var(--ink);
    font: 600 var(--text-xs) / 1.2 var(--mono);
  }
  .slab.thin b {
    display: none;
  }
  /* The center of the thumb is on the boundary, half its width inside each end of the slider. */
  .layers input {
    position: absolute;
    inset: -7px auto auto calc(var(--start) * 100% - 10px);
    width: calc(var(--extent) * 100% + 20px);
    min-height: 0;
    margin: 0;
    padding: 0;
    border: 0;
    appearance: none;
    background: none;
    outline: none;
    pointer-events: none;
  }
  .layers input::-webkit-slider-thumb {
    appearance: none;
    ${thumb}
  }
  .layers input::-moz-range-thumb {
    ${thumb}
  }
  .layers input:hover,
  .layers input:focus-visible {
    --thumb: var(--spruce);
  }
  .layers input:focus-visible::-webkit-slider-thumb {
    outline: var(--focus);
  }
  .layers input:focus-visible::-moz-range-thumb {
    outline: var(--focus);
  }
  .decision {
    flex-wrap: wrap;
    margin-top: var(--gap-m);
  }
  .decision p {
    flex: 1 1 14rem;
    font-size: var(--text-s);
  }
  .decision button:not(.primary) {
    border-color: transparent;
  }
  .note {
    max-width: 48rem;
    margin-top: var(--gap-m);
    overflow-wrap: anywhere;
  }
  .why {
    margin-top: var(--gap-l);
    overflow-wrap: anywhere;
  }
  .why ul {
    display: grid;
    gap: var(--gap-xs);
    margin-top: var(--gap-s);
  }
`;
