/** Headers of every response: what the browser isolates the page from. `access-request.ts` has those that admit other origins. */

/** Cross-origin isolation gives timers a resolution of 5 us instead of 100 us. */
export const ISOLATION_HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/**
 * What a document or a worker of this server may do. Text of a model, a member's name, or a
 * room's answer that reaches the page as markup runs no script and contacts nobody.
 */
const POLICY = {
  "default-src": "'none'",
  // Files of the build only: no inline script, no `eval`.
  "script-src": "'self' 'wasm-unsafe-eval'",
  "worker-src": "'self'",
  // Models come from any address that a person types; browsers block HTTP from an HTTPS page.
  "connect-src": "'self' https: http:",
  "style-src": "'self'",
  // Widths and colors that depend on data.
  "style-src-attr": "'unsafe-inline'",
  "img-src": "'self' data:",
  "base-uri": "'none'",
  "form-action": "'none'",
  "frame-ancestors": "'none'",
};

/** Sent with every response. Fetches with CORS from allowed origins do not need a resource policy. */
export const DEFAULT_HEADERS = {
  ...ISOLATION_HEADERS,
  "Cross-Origin-Resource-Policy": "same-origin",
  "Content-Security-Policy": Object.entries(POLICY)
    .map((directive) => directive.join(" "))
    .join("; "),
  // The address contains the room's code.
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};
