/**
 * Markdown as Lit templates. Every piece of the model's text is a text node or
 * an attribute that Lit escapes: an answer can write tags, and they are shown.
 */
import { css, html, nothing, type TemplateResult } from "lit";
import { parseBlocks, type Block, type ListItem, type Span } from "./markdown-blocks.ts";

export function markdown(text: string): TemplateResult[] {
  return parseBlocks(text).map(blockTemplate);
}

function blockTemplate(block: Block): TemplateResult {
  switch (block.kind) {
    case "paragraph":
      return html`<p>${spans(block.spans)}</p>`;
    case "heading":
      return block.level <= 2
        ? html`<h4 class="big">${spans(block.spans)}</h4>`
        : html`<h4>${spans(block.spans)}</h4>`;
    case "code":
      return html`<figure>
        ${block.language === "" ? nothing : html`<figcaption>${block.language}</figcaption>`}
        <pre tabindex="0"><code>${block.text}</code></pre>
      </figure>`;
    case "list":
      return block.start === null
        ? html`<ul>
            ${block.items.map(itemTemplate)}
          </ul>`
        : html`<ol start=${block.start}>
            ${block.items.map(itemTemplate)}
          </ol>`;
    case "quote":
      return html`<blockquote>${block.blocks.map(blockTemplate)}</blockquote>`;
    case "table":
      return tableTemplate(block.rows);
    case "rule":
      return html`<hr />`;
    default:
      return block satisfies never;
  }
}

function itemTemplate(item: ListItem): TemplateResult {
  return html`<li>${spans(item.spans)}${item.blocks.map(blockTemplate)}</li>`;
}

function tableTemplate([head, ...body]: readonly (readonly (readonly Span[])[])[]): TemplateResult {
  return html`<div class="table" tabindex="0" role="region" aria-label="Table">
    <table>
      <thead>
        <tr>
          ${head?.map((cell) => html`<th scope="col">${spans(cell)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${body.map(
          (row) =>
            html`<tr>
              ${row.map((cell) => html`<td>${spans(cell)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function spans(list: readonly Span[]): (TemplateResult | string)[] {
  return list.map((span) => {
    switch (span.kind) {
      case "text":
        return span.text;
      case "code":
        return html`<code>${span.text}</code>`;
      case "strong":
        return html`<strong>${spans(span.spans)}</strong>`;
      case "emphasis":
        return html`<em>${spans(span.spans)}</em>`;
      case "strike":
        return html`<s>${spans(span.spans)}</s>`;
      case "link":
        // The parser lets only http and https through.
        return html`<a href=${span.href} target="_blank" rel="noopener noreferrer"
          >${spans(span.spans)}</a
        >`;
      default:
        return span satisfies never;
    }
  });
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
  .prose h4 {
    font-size: var(--text-m);
    font-weight: 680;
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
