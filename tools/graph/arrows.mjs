/**
 * The modules of `src` and what each may import: the one table that ESLint, `npm run graph`,
 * and the graph's test read. `types` lists modules of which only types may be imported.
 * An import from another module names that module's `index.ts`.
 */

/** @typedef {{ readonly imports: readonly string[], readonly types?: readonly string[] }} Arrows */

/** @type {Record<string, Arrows>} */
export const ARROWS = {
  shared: { imports: [] },
  tensor: { imports: ["shared"] },
  placement: { imports: ["shared"] },
  mesh: { imports: ["shared"] },
  telemetry: { imports: ["shared"] },
  words: { imports: ["shared"], types: ["placement"] },
  kernels: { imports: ["tensor"], types: ["shared"] },
  tuner: { imports: ["kernels", "tensor", "shared"] },
  model: { imports: ["tensor", "shared"] },
  probe: { imports: ["kernels", "shared"] },
  engine: { imports: ["kernels", "model", "tensor", "shared"] },
  // Engine and mesh meet only here, in the GPU worker.
  stage: { imports: ["engine", "mesh", "model", "shared"] },
  cluster: { imports: ["placement", "shared"], types: ["mesh"] },
  // The parts of one tab, for the page and for the library.
  tab: {
    imports: ["cluster", "mesh", "model", "probe", "telemetry", "tuner", "shared", "workers"],
    types: ["placement", "stage"],
  },
  api: { imports: ["tab", "cluster", "mesh", "shared", "words"], types: ["probe"] },
  ui: { imports: ["shared", "words"] },
  page: {
    imports: ["api", "tab", "cluster", "shared", "words"],
    types: ["probe", "ui"],
  },
};

/** The module a file belongs to: a directory of `src`, `main` for the page's entry, or a top-level directory. */
export function moduleOf(/** @type {string} */ file) {
  const [top = "", second = ""] = file.split("/");
  if (top !== "src") return top;
  return second.endsWith(".ts") ? second.slice(0, -".ts".length) : second;
}

/** What is wrong with an arrow from one module to another, or null. */
export function refusal(
  /** @type {string} */ from,
  /** @type {string} */ to,
  /** @type {boolean} */ typesOnly,
) {
  const arrows = ARROWS[from];
  if (arrows === undefined || from === to || arrows.imports.includes(to)) return null;
  if (arrows.types?.includes(to))
    return typesOnly ? null : `${from} may import only types of ${to}`;
  return `${from} may not import ${to}`;
}
