/**
 * The next placement, and whether it can load beside the current one, so that answers in progress go on
 * until every stage has loaded. Pure.
 */
import {
  type ModelSummary,
  placedBytes,
  type Placement,
  type RoomState,
  sameStages,
  type Settings,
} from "../../shared/index.ts";
import type { BuiltFor } from "../parts.ts";

/** What is decided of a placement. */
export type Chosen = Pick<Placement, "model" | "stages" | "predictedMs">;

/** For the shards of a model that is placed now. */
export function builtWith(
  { contextTokens, generationSlots, activations }: Settings,
  model: ModelSummary,
): BuiltFor {
  const tokens = Math.min(contextTokens, model.contextTokens);
  return { model, contextTokens: tokens, generationSlots, activations };
}

export function isBuiltAlike(one: BuiltFor, other: BuiltFor): boolean {
  return (
    one.model.contentId === other.model.contentId &&
    one.contextTokens === other.contextTokens &&
    one.generationSlots === other.generationSlots &&
    one.activations === other.activations
  );
}

/** Whether both have the same stages, for shards that are built alike, and a person chose both or neither. */
export function isSamePlacement(one: Placement, other: Placement): boolean {
  const isManual = ({ predictedMs }: Placement) => predictedMs === null;
  return (
    isBuiltAlike(one, other) &&
    sameStages(one.stages, other.stages) &&
    isManual(one) === isManual(other)
  );
}

export function canHandOver(
  { placement, generations, members }: Pick<RoomState, "placement" | "generations" | "members">,
  next: Placement,
): boolean {
  if (!placement?.ready || generations.length === 0) return false;
  if (!isBuiltAlike(placement, next)) return false;
  return next.stages.every((stage) => {
    const now = placement.stages.find(({ member }) => member === stage.member);
    if (now === undefined || (now.first === stage.first && now.end === stage.end)) return true;
    const measured = members.find(({ id }) => id === stage.member)?.measurements;
    const neededBytes = placedBytes(next.model, next, now) + placedBytes(next.model, next, stage);
    return neededBytes <= (measured?.memoryBudgetBytes ?? 0);
  });
}
