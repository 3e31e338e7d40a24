/** A placement that was decided, before any layer has loaded. */
import type { Placement, PlacementId, Settings } from "../../shared/index.ts";

export type Chosen = Pick<Placement, "model" | "stages" | "predictedMs">;

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
