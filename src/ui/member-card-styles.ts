/** Styles of a member's card. */
import { css } from "lit";

export const memberCardStyles = css`
  header {
    align-items: flex-start;
    gap: var(--gap-m);
  }
  .swatch {
    flex: none;
    width: 0.75rem;
    height: 2.1rem;
    margin-top: 0.2rem;
    border-radius: 3px;
    background: var(--hue);
  }
  .swatch.hollow {
    background: none;
    border: 2px dashed var(--line-strong);
  }
  .who {
    flex: 1 1 10rem;
    min-width: 0;
    overflow-wrap: anywhere;
  }
  .tags {
    gap: var(--gap-xs);
  }
  .facts {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(5rem, 1fr));
    gap: var(--gap-s);
    padding: var(--gap-s) 0;
    border-block: 1px solid var(--line);
    overflow-wrap: normal;
  }
  .facts div {
    display: flex;
    flex-direction: column-reverse;
    justify-content: flex-end;
  }
  .facts dt {
    color: var(--tone, var(--ink-quiet));
    font-size: var(--text-xs);
    line-height: 1.3;
  }
  .facts dd {
    color: var(--tone, var(--ink));
    font-weight: 600;
  }
  .memory {
    display: grid;
    grid-template-columns: minmax(3rem, 1fr) auto;
    align-items: center;
    gap: var(--gap-m);
  }
  footer {
    align-items: flex-start;
  }
  details {
    flex: 1;
    min-width: 0;
  }
  details[open] {
    flex-basis: 100%;
  }
  .remove {
    margin-top: var(--gap-m);
  }
  details[open] + select {
    margin-inline-start: auto;
  }
  h4 {
    margin: var(--gap-m) 0 var(--gap-xs);
    font-size: var(--text-s);
  }
  .list {
    display: grid;
    grid-template-columns: minmax(0, 1fr) auto;
    gap: 0.15rem var(--gap-l);
    font-size: var(--text-s);
  }
  .list dt {
    color: var(--ink-quiet);
  }
  .list dd {
    text-align: end;
    max-width: 12rem;
  }
  .features {
    margin-top: var(--gap-s);
  }
  .lines li {
    padding: 0.1rem 0;
    font-family: var(--mono);
    font-size: var(--text-xs);
  }
  select {
    flex: none;
    width: auto;
    min-height: 2rem;
    padding: 0 0.4rem;
    border-color: var(--tone, var(--line));
    font-size: var(--text-s);
  }
`;
