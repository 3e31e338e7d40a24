/** Styles of the placement: the strip with its handles, and a lane for each stage. */
import { css } from "lit";

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
    padding: var(--gap-m);
    border-radius: var(--radius-s);
    background: var(--clay-wash);
  }
  .strip,
  .track {
    display: grid;
    grid-template-columns: 1rem minmax(0, 1fr) 1rem;
    gap: 3px;
  }
  .strip {
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
  tabmesh-boundary {
    position: absolute;
    inset-block: 0;
    width: 0;
  }
  .decision {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--gap-s);
    margin-top: var(--gap-m);
    padding: var(--gap-s) var(--gap-s) var(--gap-s) var(--gap-m);
    border-radius: var(--radius-s);
    background: var(--spruce-wash);
  }
  .decision p {
    flex: 1 1 14rem;
    font-size: var(--text-s);
  }
  .decision button:not(.primary) {
    border-color: transparent;
  }
  .bad {
    color: var(--clay);
  }
  .note {
    max-width: 48rem;
    margin-top: var(--gap-m);
    overflow-wrap: anywhere;
  }
  .note.impossible {
    padding: var(--gap-s) var(--gap-m);
    border-radius: var(--radius-s);
    background: var(--amber-wash);
  }
  .why {
    margin-top: var(--gap-l);
    overflow-wrap: anywhere;
  }
  .why summary {
    width: fit-content;
    color: var(--spruce);
    font-size: var(--text-s);
    font-weight: 600;
    cursor: pointer;
  }
  .why ul {
    display: grid;
    gap: var(--gap-xs);
    margin-top: var(--gap-s);
  }
  .lanes {
    display: grid;
    gap: var(--gap-s);
    margin-top: var(--gap-l);
  }
  .label {
    display: flex;
    flex-wrap: wrap;
    align-items: baseline;
    gap: 0 var(--gap-s);
    margin-bottom: 3px;
    font-size: var(--text-s);
    overflow-wrap: anywhere;
  }
  .label strong {
    font-weight: 600;
  }
  .number {
    min-width: 1rem;
    color: var(--ink-quiet);
  }
  .label .tag {
    white-space: normal;
    line-height: 1.35;
  }
  .times {
    margin-inline-start: auto;
    white-space: nowrap;
  }
  .times b {
    font-weight: 600;
  }
  .times b + .quiet {
    margin-inline-start: 0.4em;
  }
  .track {
    height: 0.75rem;
  }
  .track .layers,
  .track .end {
    border-radius: 2px;
    background: var(--sunken);
  }
  .track .end.held {
    background: repeating-linear-gradient(45deg, var(--hue) 0 3px, var(--sunken) 3px 5px);
  }
  .cells {
    position: absolute;
    inset-block: 0;
    border-radius: 2px;
    background: color-mix(in oklab, var(--hue) 28%, var(--sunken));
    overflow: hidden;
  }
  .cells i {
    position: absolute;
    inset: 0 auto 0 0;
    background: var(--hue);
    transition: width 300ms;
  }
  /* One cell a layer: the gaps are drawn over the fill. */
  .cells::after {
    content: "";
    position: absolute;
    inset: 0;
    background: repeating-linear-gradient(
      90deg,
      transparent 0 calc(100% / var(--cells) - 1px),
      var(--surface) calc(100% / var(--cells) - 1px) calc(100% / var(--cells))
    );
    opacity: 0.85;
  }
`;
