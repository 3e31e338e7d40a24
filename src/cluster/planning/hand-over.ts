/**
 * The next placement, and whether it can load beside the current one, so that answers in progress go on
 * until every stage has loaded. Pure.
 */
import {
  placedBytes,
  type Placement,
  type PlacementId,
  type RoomState,
  type Settings,
} from "../../shared/index.ts";

/** What is decided of a placement. */
export type Chosen = Pick<Placement, "model" | "stages" | "predictedMs">;

/** Before any layer has loaded. */
export function newPlacement(id: PlacementId, chosen: Chosen, settings: Settings): Placement {
  return {
    id,
    ...chosen,
    contextTokens: Math.min(settings.contextTokens, chosen.model.contextTokens),
    generationSlots: settings.generationSlots,
    ready: false,
    error: null,
  };
}

/** The settings that a loaded shard is built with, as a key. */
export function shardSettings({ contextTokens, generationSlots, activations }: Settings): string {
  return JSON.stringify([contextTokens, generationSlots, activations]);
}

/** `sameSettings`: the loaded shards were built with the settings that the next ones are built with. */
export function canHandOver(
  { placement, generations, members }: Pick<RoomState, "placement" | "generations" | "members">,
  next: Placement,
  sameSettings: boolean,
): boolean {
  if (!placement?.ready || placement.error !== null || generations.length === 0) return false;
  const isSame =
    placement.model.contentId === next.model.contentId &&
    placement.contextTokens === next.contextTokens &&
    placement.generationSlots === next.generationSlots;
  if (!isSame || !sameSettings) return false;
  return next.stages.every((stage) => {
    const now = placement.stages.find(({ member }) => member === stage.member);
    if (now === undefined || (now.first === stage.first && now.end === stage.end)) return true;
    const measured = members.find(({ id }) => id === stage.member)?.measurements;
    const neededBytes = placedBytes(next.model, next, now) + placedBytes(next.model, next, stage);
    return neededBytes <= (measured?.memoryBudgetBytes ?? 0);
  });
}
