/**
 * Layers for every member, more for the faster ones. The demo and the bench show a model on three
 * tabs, even where the solver would leave a slow one out. Pure.
 */
import type { ApiStage } from "./room-api.ts";

export type Worker = { readonly member: string; readonly speed: number };

/**
 * Contiguous stages over `layers`, in the order of `workers`, in proportion to
 * speed, with at least `minLayers` layers each.
 */
export function splitLayers(
  layers: number,
  workers: readonly Worker[],
  minLayers: number,
): readonly ApiStage[] {
  const remaining = layers - minLayers * workers.length;
  if (remaining < 0) {
    throw new RangeError(
      `${layers} layers do not give ${workers.length} members ${minLayers} each`,
    );
  }
  const total = workers.reduce((sum, { speed }) => sum + speed, 0);
  const stages: ApiStage[] = [];
  let speedSoFar = 0;
  let first = 0;
  workers.forEach(({ member, speed }, index) => {
    speedSoFar += speed;
    const end = minLayers * (index + 1) + Math.round((remaining * speedSoFar) / total);
    stages.push({ member, first, end });
    first = end;
  });
  return stages;
}
