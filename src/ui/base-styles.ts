/**
 * Styles that all elements of the page share: controls, headings, numbers. Colors and
 * sizes are custom properties, defined in tokens.css.
 */
import { css } from "lit";

export const baseStyles = css`
  :host {
    display: block;
    min-width: 0;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
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
  h2 {
    font-size: var(--text-l);
    font-weight: 650;
    letter-spacing: -0.01em;
    line-height: 1.25;
  }
  h3 {
    font-size: var(--text-m);
    font-weight: 650;
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
  .figure {
    font-variant-numeric: tabular-nums;
  }
  .quiet {
    color: var(--ink-quiet);
  }
  .small {
    font-size: var(--text-s);
  }
  .line {
    display: flex;
    align-items: center;
    gap: var(--gap-s);
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
    background: var(--sunken);
  }
  .box.good {
    background: var(--spruce-wash);
  }
  .box.warn {
    background: var(--amber-wash);
  }
  .box.bad {
    background: var(--clay-wash);
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
  button,
  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: var(--gap-s);
    min-height: 2.5rem;
    padding: 0 1rem;
    border: 1px solid var(--line-strong);
    border-radius: var(--radius-s);
    background: transparent;
    color: var(--ink);
    font: 600 var(--text-m) / 1.2 var(--font);
    cursor: pointer;
    transition: background-color var(--quick);
  }
  .button.file {
    position: relative;
  }
  .button.file:focus-within {
    outline: var(--focus);
    outline-offset: 2px;
  }
  .button.file:hover,
  button:hover:not(:disabled) {
    background: color-mix(in oklab, var(--ink) 7%, transparent);
  }
  button:disabled {
    border-color: var(--line);
    color: var(--ink-quiet);
    cursor: not-allowed;
  }
  button.primary {
    border-color: transparent;
    background: var(--spruce);
    color: var(--on-spruce);
  }
  button.primary:hover:not(:disabled) {
    background: var(--spruce-strong);
  }
  button.primary:disabled {
    background: var(--sunken);
    color: var(--ink-quiet);
  }
  button.plain {
    border-color: transparent;
    padding: 0 0.6rem;
    font-weight: 550;
  }
  button.compact {
    min-height: 2rem;
    padding: 0 0.6rem;
    font-size: var(--text-s);
  }
  button.icon {
    width: 2.5rem;
    padding: 0;
    border-color: transparent;
    flex: none;
  }
  button.icon.compact {
    width: 2rem;
  }
  svg.icon {
    width: 1.15em;
    height: 1.15em;
    flex: none;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.75;
    stroke-linecap: round;
    stroke-linejoin: round;
  }
  input,
  select,
  textarea {
    width: 100%;
    min-height: 2.5rem;
    padding: 0.5rem 0.75rem;
    border: 1px solid var(--line-strong);
    border-radius: var(--radius-s);
    background: var(--surface);
    color: var(--ink);
    font: 400 1rem / 1.4 var(--font);
  }
  input::placeholder,
  textarea::placeholder {
    color: var(--ink-quiet);
    opacity: 1;
  }
  input[type="checkbox"],
  input[type="radio"] {
    width: 1.1rem;
    height: 1.1rem;
    min-height: 0;
    margin: 0;
    accent-color: var(--spruce);
    flex: none;
  }
  label {
    font-size: var(--text-s);
    font-weight: 600;
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
    background: var(--sunken);
    color: var(--ink-quiet);
    font-size: var(--text-xs);
    font-weight: 600;
    white-space: nowrap;
  }
  .tag.good {
    background: var(--spruce-wash);
    color: var(--spruce);
  }
  .tag.warn {
    background: var(--amber-wash);
    color: var(--amber);
  }
  .tag.bad {
    background: var(--clay-wash);
    color: var(--clay);
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
