/** Styles of buttons, form fields, and dialogs, for all elements of the page. */
import { css } from "lit";

export const controlStyles = css`
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
  button.link {
    justify-self: start;
    margin-inline-start: -0.6rem;
    border-color: transparent;
    padding: 0 0.6rem;
    color: var(--tone, var(--spruce));
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
  progress {
    width: 100%;
    height: 0.5rem;
    accent-color: var(--tone, var(--spruce));
  }
  label {
    font-size: var(--text-s);
    font-weight: 600;
  }
  dialog {
    width: min(var(--width, 31rem), 100% - 2rem);
    padding: var(--gap-m) var(--gap-l) var(--gap-l);
    border: 0;
    border-radius: var(--radius);
    background: var(--surface);
    color: var(--ink);
  }
  dialog > .line {
    margin-bottom: var(--gap-s);
  }
  dialog::backdrop {
    background: light-dark(rgb(20 26 24 / 0.42), rgb(0 0 0 / 0.62));
  }
  fieldset {
    margin: 0;
    padding: 0;
    border: 0;
  }
  legend {
    padding: 0;
    font-size: var(--text-s);
    font-weight: 600;
  }
`;
