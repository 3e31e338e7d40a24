/**
 * What a decode step of one row takes on a device as its probe measured it: the
 * number that the throttle ratio compares with. Attention over the context is left
 * out, as it is a small part of a step until the context is long. Pure.
 */
import type { Measurements, ModelSummary } from "../shared/index.ts";

/** Dispatches of the engine for a layer, and for what surrounds the layers. */
const LAYER_DISPATCHES = 8;
const STAGE_DISPATCHES = 4;

/** Milliseconds of one step over the layers `[first, end)` and, at the end, the head. */
export function predictStepMs(
  model: Pick<ModelSummary, "layers" | "headMacs">,
  { first, end }: { readonly first: number; readonly end: number },
  measurements: Measurements,
): number {
  const { matVecMacsPerMs, dispatchMs, readbackMs } = measurements;
  const layers = model.layers.slice(first, end);
  const layerMacs = layers.reduce((sum, { macs }) => sum + macs, 0);
  const headMacs = end === model.layers.length ? model.headMacs : 0;
  const dispatches = layers.length * LAYER_DISPATCHES + STAGE_DISPATCHES;
  return (layerMacs + headMacs) / matVecMacsPerMs + dispatches * dispatchMs + readbackMs;
}
