/** The types of import-graph.mjs, which is plain JavaScript so that it runs before an install. */
export type Sources = ReadonlyMap<string, string>;

/** One import of a file of the repository, by paths from its root. */
export type Import = { readonly from: string; readonly to: string; readonly typesOnly: boolean };

/** All imports from one module to another; `types` of them import only types. */
export type Arrow = {
  readonly from: string;
  readonly to: string;
  readonly imports: number;
  readonly types: number;
};

export const AREAS: readonly string[];
export function readSources(root: string, areas?: readonly string[]): Map<string, string>;
export function importsOf(file: string, text: string, sources: Sources): Import[];
export function importGraph(sources: Sources): Import[];
export function arrowsOf(graph: readonly Import[]): Arrow[];
export function forbiddenImports(graph: readonly Import[]): string[];
export function cyclesOf(graph: readonly { from: string; to: string }[]): string[][];
/** Imports by name lead to the declaring files instead of to the entry points. */
export function withoutEntryPoints(graph: readonly Import[], sources: Sources): Import[];
export function dependents(graph: readonly Import[], files: Iterable<string>): Set<string>;
