import type { Import, Sources } from "../graph/import-graph.d.mts";

export type Snapshot = Record<string, string>;

export function changedPaths(before: Snapshot, now: Snapshot): string[];
export function affectedTests(
  changed: readonly string[],
  sources: Sources,
  graph: readonly Import[],
): string[] | null;
