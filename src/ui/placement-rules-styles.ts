/** Styles of the placement options in the settings dialog. */
import { css } from "lit";

export const rulesStyles = css`
  .inside {
    display: grid;
    gap: var(--gap-l);
    margin-top: var(--gap-m);
  }
  .rule {
    display: grid;
    grid-template-columns: minmax(0, 1fr) 7rem;
    align-items: center;
    gap: var(--gap-xs) var(--gap-m);
    padding-block: var(--gap-xs);
    font-size: var(--text-s);
  }
  .rule + .rule {
    border-top: 1px solid var(--line);
  }
  .rule > label {
    font-weight: 500;
  }
  .rule > .field {
    grid-column: 1 / -1;
    grid-template-columns: minmax(0, 1fr) 7rem;
    align-items: center;
    color: var(--ink-quiet);
  }
  .rule .field label,
  .weights label {
    font-weight: 450;
  }
  .weights label::first-letter {
    text-transform: uppercase;
  }
  .weights {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(4.75rem, 1fr));
    gap: var(--gap-m) var(--gap-s);
  }
  .inside:not(:has(option[value="mix"]:checked)) .mix {
    display: none;
  }
  .rule > .features {
    grid-template-columns: repeat(2, minmax(0, 1fr));
  }
  input.inline {
    display: inline-block;
    width: 4.5rem;
    min-height: 1.8rem;
    padding-block: 0;
  }
`;
