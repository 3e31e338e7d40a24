import type { Import, Sources } from "../graph/import-graph.d.mts";

export type Snapshot = Record<string, string>;

export function changedPaths(before: Snapshot, now: Snapshot): string[];
export function affectedFiles(
  changed: readonly string[],
  sources: Sources,
  graph: readonly Import[],
): Set<string> | null;
export function nodeTestsOf(affected: ReadonlySet<string>, sources: Iterable<string>): string[];
export function lintedFilesOf(affected: ReadonlySet<string>): string[];
