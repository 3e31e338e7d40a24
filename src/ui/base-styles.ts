/**
 * Styles that all elements of the page share: headings, text, boxes, and the controls of
 * control-styles.ts. Colors and sizes are custom properties, defined in tokens.css.
 */
import { css } from "lit";
import { controlStyles } from "./control-styles.ts";

const textStyles = css`
  :host {
    display: block;
    min-width: 0;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  h1,
  h2,
  h3,
  h4,
  p,
  dl,
  dd,
  ul,
  ol,
  figure {
    margin: 0;
    padding: 0;
  }
  ul,
  ol {
    list-style: none;
  }
  p,
  li {
    overflow-wrap: anywhere;
  }
  h1,
  h2,
  h3,
  h4 {
    font-size: var(--text-m);
    font-weight: 650;
  }
  h2 {
    font-size: var(--text-l);
    line-height: 1.25;
  }
  b,
  strong {
    font-weight: 600;
  }
  a {
    color: var(--spruce);
    text-underline-offset: 0.18em;
  }
  :focus-visible {
    outline: var(--focus);
    outline-offset: 2px;
    border-radius: var(--radius-s);
  }
  .headline {
    font-size: var(--text-xl);
    font-weight: 680;
    letter-spacing: -0.025em;
  }
  .figure {
    font-variant-numeric: tabular-nums;
  }
  .quiet {
    color: var(--ink-quiet);
  }
  .small {
    font-size: var(--text-s);
  }
  /* Layouts, without specificity: the rules of an element win. */
  :where(.line) {
    display: flex;
    align-items: center;
    gap: var(--gap-s);
  }
  :where(.line.wrap) {
    flex-wrap: wrap;
  }
  :where(.line.spread) {
    justify-content: space-between;
  }
  :where(.stack, .field) {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    align-content: start;
    gap: var(--gap-s);
  }
  :where(.field) {
    gap: var(--gap-xs);
  }
  /* What something means: a color for text and icons, and a paler one for what is behind them. */
  .good {
    --tone: var(--spruce);
    --wash: var(--spruce-wash);
  }
  .warn {
    --tone: var(--amber);
    --wash: var(--amber-wash);
  }
  .bad {
    --tone: var(--clay);
    --wash: var(--clay-wash);
  }
  .choice {
    min-height: 2rem;
    font-weight: 500;
  }
  .pulse {
    flex: none;
    width: 0.6rem;
    height: 0.6rem;
    border-radius: 50%;
    background: var(--spruce);
    animation: pulse 1.2s ease-in-out infinite alternate;
  }
  @keyframes pulse {
    from {
      opacity: 0.25;
    }
  }
  .card {
    padding: var(--gap-m) 1rem;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--surface);
    overflow-wrap: anywhere;
  }
  .box {
    padding: var(--gap-s) var(--gap-m);
    border-radius: var(--radius-s);
    background: var(--wash, var(--sunken));
    overflow-wrap: anywhere;
  }
  .box > .icon,
  .box > p > .icon {
    color: var(--tone);
  }
  .field-row {
    display: grid;
    grid-template-columns: minmax(0, 1fr) auto;
    gap: var(--gap-s);
  }
  .unseen {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  summary {
    width: fit-content;
    padding: var(--gap-xs) 0;
    color: var(--spruce);
    font-size: var(--text-s);
    font-weight: 600;
    cursor: pointer;
  }
  .problem {
    color: var(--clay);
    font-size: var(--text-s);
  }
  .problem:empty {
    display: none;
  }
  .tag {
    display: inline-flex;
    align-items: center;
    gap: 0.3em;
    padding: 0.1rem 0.45rem;
    border-radius: 4px;
    background: var(--wash, var(--sunken));
    color: var(--tone, var(--ink-quiet));
    font-size: var(--text-xs);
    font-weight: 600;
    white-space: nowrap;
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation-duration: 0.01ms !important;
      animation-iteration-count: 1 !important;
      transition-duration: 0.01ms !important;
      scroll-behavior: auto !important;
    }
  }
`;

export const baseStyles = [textStyles, controlStyles];
