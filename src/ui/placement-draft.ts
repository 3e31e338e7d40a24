/**
 * Moving the boundaries of a placement by hand, before anything is decided.
 *
 *   boundary b   lies between stage b and stage b + 1
 *   invariant    stages stay contiguous, in order, with at least one layer each
 *
 * Pure. Knows the bytes that a model's description tells and no times: those
 * come from the cost model, in `view.placementPreview`.
 */
import type { ModelSummary, PlacementCandidate, Stage } from "../shared/index.ts";

/** The layers where boundary `boundary` may lie, both ends included. */
export function boundaryRange(
  stages: readonly Stage[],
  boundary: number,
): { readonly least: number; readonly most: number } {
  const before = stages[boundary];
  const after = stages[boundary + 1];
  if (before === undefined || after === undefined) {
    throw new RangeError(`no boundary ${boundary} between ${stages.length} stages`);
  }
  return { least: before.first + 1, most: after.end - 1 };
}

/** The stages with one boundary moved to `layer`, held inside its range. */
export function moveBoundary(
  stages: readonly Stage[],
  boundary: number,
  layer: number,
): readonly Stage[] {
  const { least, most } = boundaryRange(stages, boundary);
  const cut = Math.min(most, Math.max(least, Math.round(layer)));
  return stages.map((stage, index) => {
    if (index === boundary) return { ...stage, end: cut };
    return index === boundary + 1 ? { ...stage, first: cut } : stage;
  });
}

export function sameStages(one: readonly Stage[], other: readonly Stage[]): boolean {
  return (
    one.length === other.length &&
    one.every((stage, index) => {
      const twin = other[index]!;
      return stage.member === twin.member && stage.first === twin.first && stage.end === twin.end;
    })
  );
}

/** Bytes of weights that a stage holds; a tied head on another stage than the embedding costs them again. */
export function stageWeightBytes(
  model: ModelSummary,
  stages: readonly Stage[],
  index: number,
): number {
  const stage = stages[index]!;
  const layers = model.layers.slice(stage.first, stage.end);
  let total = layers.reduce((sum, layer) => sum + layer.weightBytes, 0);
  if (index === 0) total += model.embedBytes;
  const shared = model.tied && index === 0;
  if (index === stages.length - 1 && !shared) total += model.headBytes;
  return total;
}

/** Bytes of key and value cache that a stage holds for all slots at full context. */
export function stageCacheBytes(model: ModelSummary, stage: Stage, tokens: number): number {
  return model.layers
    .slice(stage.first, stage.end)
    .reduce((sum, layer) => sum + layer.kvBytesPerToken * tokens, 0);
}

/** The preview of exactly these stages, if the cost model has answered for them. */
export function previewOf(
  draft: PlacementCandidate | null | undefined,
  stages: readonly Stage[],
): PlacementCandidate | null {
  return draft != null && sameStages(draft.stages, stages) ? draft : null;
}
