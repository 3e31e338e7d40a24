/** The page's icons as inline SVG: nothing is fetched, and they have the color of the text. */
import { svg, html, type TemplateResult } from "lit";

const PATHS = {
  copy: svg`<rect x="8" y="8" width="12" height="12" rx="2"/><path d="M16 8V6a2 2 0 0 0-2-2H6a2 2 0 0 0-2 2v8a2 2 0 0 0 2 2h2"/>`,
  check: svg`<path d="m5 12.5 4.5 4.5L19 7.5"/>`,
  qr: svg`<rect x="4" y="4" width="6" height="6" rx="1"/><rect x="14" y="4" width="6" height="6" rx="1"/><rect x="4" y="14" width="6" height="6" rx="1"/><path d="M14 14h2v2h-2zM20 14v.01M18 18h2v2M14 20h.01"/>`,
  settings: svg`<path d="M4 7h10M18 7h2M4 17h2M10 17h10"/><circle cx="16" cy="7" r="2"/><circle cx="8" cy="17" r="2"/>`,
  leave: svg`<path d="M14 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h8M10 12h10m-3.5-3.5L20 12l-3.5 3.5"/>`,
  lock: svg`<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>`,
  close: svg`<path d="m6 6 12 12M18 6 6 18"/>`,
  send: svg`<path d="M12 19V5m-6 6 6-6 6 6"/>`,
  stop: svg`<rect x="7" y="7" width="10" height="10" rx="1.5" fill="currentColor"/>`,
  retry: svg`<path d="M19 12a7 7 0 1 1-2.2-5.1M19 4v4h-4"/>`,
  trash: svg`<path d="M5 7h14M10 7V5h4v2M7 7l1 12h8l1-12"/>`,
  down: svg`<path d="M12 5v14m-6-6 6 6 6-6"/>`,
  file: svg`<path d="M13 4H7a1.5 1.5 0 0 0-1.5 1.5v13A1.5 1.5 0 0 0 7 20h10a1.5 1.5 0 0 0 1.5-1.5V9.5zM13 4v5.5h5.5"/>`,
  warn: svg`<path d="M12 4 3 19h18zM12 10v4M12 16.6v.01"/>`,
  info: svg`<circle cx="12" cy="12" r="8"/><path d="M12 11v5M12 8v.01"/>`,
} as const;
type IconName = keyof typeof PATHS;

/** A decorative icon; the control that contains it has the accessible name. */
export function icon(name: IconName): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">${PATHS[name]}</svg>`;
}

/** A small button that shows only an icon; `label` is its accessible name. */
export function iconButton(label: string, name: IconName, act: () => void): TemplateResult {
  return html`<button type="button" class="icon compact" aria-label=${label} @click=${act}>
    ${icon(name)}
  </button>`;
}

/** The logo: three tabs whose layers make one block. */
export function mark(size: number): TemplateResult {
  return html`<svg width=${size} height=${size} viewBox="0 0 32 32" aria-hidden="true">
    <path d="M3 9V7a2 2 0 0 1 2-2h6a2 2 0 0 1 2 2v2z" fill="var(--spruce)" />
    <rect x="3" y="9" width="26" height="5" rx="1" fill="var(--spruce)" />
    <rect x="3" y="15.5" width="26" height="5" rx="1" fill="var(--spruce)" opacity="0.62" />
    <rect x="3" y="22" width="26" height="5" rx="1" fill="var(--spruce)" opacity="0.34" />
  </svg>`;
}
