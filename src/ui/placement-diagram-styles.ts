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
    align-items: baseline;
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
  }
  /* The center of the thumb is on the boundary, half its width inside each end of the slider. */
  .layers input {
    position: absolute;
    inset: -7px auto auto calc(var(--start) * 100% - 10px);
    width: calc(var(--extent) * 100% + 20px);
    height: calc(2.25rem + 14px);
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
  }
`;
