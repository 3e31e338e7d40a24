/**
 * Markdown tokens as Lit templates. All text becomes text nodes and attributes that Lit
 * escapes: raw HTML is shown as text, and images are links, so nothing is fetched. `BoundedLexer`
 * bounds how deep tokens nest.
 */
import { css, html, nothing, type TemplateResult } from "lit";
import { guard } from "lit/directives/guard.js";
import type { MarkedToken, Token, Tokens } from "marked";

const LINK_PROTOCOLS: readonly string[] = ["http:", "https:", "mailto:"];

/** A block that is the same object as before is not rendered again. */
export function markdown(blocks: readonly MarkedToken[]): unknown[] {
  return blocks.map((block) => guard([block], () => blockTemplate(block)));
}

function blockTemplate(token: MarkedToken): unknown {
  switch (token.type) {
    case "space":
    case "def":
      return nothing;
    case "paragraph":
      return html`<p>${inline(token.tokens)}</p>`;
    case "heading":
      return html`<h4 class=${token.depth <= 2 ? "big" : ""}>${inline(token.tokens)}</h4>`;
    case "code":
      return html`<figure>
        ${token.lang ? html`<figcaption>${token.lang}</figcaption>` : nothing}
        <pre tabindex="0"><code>${token.text}</code></pre>
      </figure>`;
    case "list":
      return listTemplate(token);
    case "blockquote":
      return html`<blockquote>${blocksIn(token.tokens)}</blockquote>`;
    case "table":
      return tableTemplate(token);
    case "hr":
      return html`<hr />`;
    case "html":
      return html`<p>${token.raw}</p>`;
    default:
      return inline([token]);
  }
}

function blocksIn(tokens: readonly Token[]): unknown[] {
  return tokens.map((token) => blockTemplate(token as MarkedToken));
}

function listTemplate(list: Tokens.List): TemplateResult {
  const items = list.items.map((item) =>
    guard([item], () => html`<li>${blocksIn(item.tokens)}</li>`),
  );
  // prettier-ignore
  return list.ordered
    ? html`<ol start=${list.start || 1}>${items}</ol>`
    : html`<ul>${items}</ul>`;
}

function tableTemplate({ header, rows }: Tokens.Table): TemplateResult {
  const head = header.map((cell) => html`<th scope="col">${inline(cell.tokens)}</th>`);
  const body = rows.map(
    (row) =>
      html`<tr>
        ${row.map((cell) => html`<td>${inline(cell.tokens)}</td>`)}
      </tr>`,
  );
  return html`<div class="table" tabindex="0" role="region" aria-label="Table">
    <table>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
}

function inline(tokens: readonly Token[]): unknown[] {
  return tokens.map((token) => inlineTemplate(token as MarkedToken));
}

function inlineTemplate(token: MarkedToken): unknown {
  switch (token.type) {
    case "text":
      return token.tokens === undefined ? token.text : inline(token.tokens);
    case "escape":
      return token.text;
    case "codespan":
      return html`<code>${token.text}</code>`;
    case "strong":
      return html`<strong>${inline(token.tokens)}</strong>`;
    case "em":
      return html`<em>${inline(token.tokens)}</em>`;
    case "del":
      return html`<s>${inline(token.tokens)}</s>`;
    case "br":
      return html`<br />`;
    case "checkbox":
      return token.checked ? "☑ " : "☐ ";
    case "link":
      return linkTemplate(token, inline(token.tokens));
    case "image":
      return linkTemplate(token, token.text || token.href);
    default:
      return token.raw;
  }
}

/** Other protocols, `javascript:` among them, and relative addresses are shown as their source. */
function linkTemplate({ href, raw }: Tokens.Link | Tokens.Image, label: unknown): unknown {
  if (!URL.canParse(href) || !LINK_PROTOCOLS.includes(new URL(href).protocol)) return raw;
  return html`<a href=${href} target="_blank" rel="noopener noreferrer">${label}</a>`;
}

export const markdownStyles = css`
  .prose {
    overflow-wrap: anywhere;
  }
  .prose > * + * {
    margin-top: 0.65em;
  }
  .prose p {
    white-space: pre-line;
  }
  .prose h4.big {
    font-size: var(--text-l);
  }
  .prose ul,
  .prose ol {
    padding-inline-start: 1.4em;
    list-style: disc;
  }
  .prose ol {
    list-style: decimal;
  }
  .prose li + li,
  .prose li > p + p,
  .prose li > ul,
  .prose li > ol {
    margin-top: 0.25em;
  }
  .prose code {
    padding: 0.08em 0.3em;
    border-radius: 4px;
    background: var(--sunken);
    font: 0.9em / 1.45 var(--mono);
  }
  .prose figure {
    border: 1px solid var(--line);
    border-radius: var(--radius-s);
    background: var(--sunken);
    overflow: hidden;
  }
  .prose figcaption {
    padding: var(--gap-xs) var(--gap-m) 0;
    color: var(--ink-quiet);
    font: var(--text-xs) / 1.5 var(--mono);
  }
  .prose pre {
    margin: 0;
    padding: var(--gap-s) var(--gap-m) var(--gap-m);
    overflow-x: auto;
    overflow-wrap: normal;
  }
  .prose pre code {
    padding: 0;
    background: none;
  }
  .prose blockquote {
    margin: 0;
    padding-inline-start: var(--gap-m);
    border-inline-start: 3px solid var(--line-strong);
    color: var(--ink-quiet);
  }
  .prose blockquote > * + * {
    margin-top: 0.5em;
  }
  .prose .table {
    overflow-x: auto;
    overflow-wrap: normal;
  }
  .prose table {
    border-collapse: collapse;
    font-size: var(--text-s);
  }
  .prose th,
  .prose td {
    padding: 0.3rem 0.7rem 0.3rem 0;
    border-bottom: 1px solid var(--line);
    text-align: start;
  }
  .prose hr {
    width: 100%;
    border: 0;
    border-top: 1px solid var(--line);
  }
`;
