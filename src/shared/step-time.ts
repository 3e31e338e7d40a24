/**
 * The time of one step of a shard, from what the member's probe measured. The solver predicts
 * placements with it, and the device monitor compares steps with it.
 *
 *   layer   its multiply-accumulates at the measured rate, the cache of the context at the
 *           measured copy rate, and its dispatches
 *   embed   a dispatch
 *   head    its multiply-accumulates and its dispatches
 *   stage   one readback
 */
import type { DeviceState, Measurements } from "./member.ts";
import type { ModelSummary } from "./model.ts";
import { FORECAST_AHEAD_MS, ratioAhead } from "./throttle-forecast.ts";

/** Dispatches of a decode step, as the engine records them (test/engine asserts the counts). */
export const DISPATCHES = {
  /** Query-key-value, attention, output, gate and up, down. */
  layer: 5,
  embed: 1,
  /** Norm, logits, and two of the sampler. */
  head: 4,
} as const;

/** Tokens of a prompt chunk. */
export const PREFILL_TOKENS = 64;

export type StepTimes = {
  /** One token, for each layer. */
  readonly layerMs: readonly number[];
  /** A chunk of `PREFILL_TOKENS`, for each layer. */
  readonly prefillLayerMs: readonly number[];
  readonly embedMs: number;
  readonly headMs: number;
  readonly stageMs: number;
};

/** `contextTokens`: how many tokens the cache holds. `slowdown` applies to all but the readback. */
export function stepTimes(
  model: Pick<ModelSummary, "layers" | "headMacs">,
  measurements: Measurements,
  { contextTokens, slowdown }: { readonly contextTokens: number; readonly slowdown: number },
): StepTimes {
  const { matVecMacsPerMs, matMulMacsPerMs, copyBytesPerMs, dispatchMs, readbackMs } = measurements;
  const layerOverheadMs = DISPATCHES.layer * dispatchMs;
  const layer = (tokens: number, macsPerMs: number) =>
    model.layers.map(
      ({ macs, kvBytesPerToken }) =>
        slowdown *
        ((macs * tokens) / macsPerMs +
          (kvBytesPerToken * contextTokens) / copyBytesPerMs +
          layerOverheadMs),
    );
  return {
    layerMs: layer(1, matVecMacsPerMs),
    prefillLayerMs: layer(PREFILL_TOKENS, matMulMacsPerMs),
    embedMs: slowdown * DISPATCHES.embed * dispatchMs,
    headMs: slowdown * (model.headMacs / matVecMacsPerMs + DISPATCHES.head * dispatchMs),
    stageMs: readbackMs,
  };
}

/**
 * A decode step of one row over the layers `[first, end)`, as the probe predicts it. Attention over
 * the context is left out: it is a small part of a step until the context is long.
 */
export function predictStepMs(
  model: Pick<ModelSummary, "layers" | "headMacs">,
  { first, end }: { readonly first: number; readonly end: number },
  measurements: Measurements,
): number {
  const times = stepTimes(model, measurements, { contextTokens: 0, slowdown: 1 });
  const layersMs = times.layerMs.slice(first, end).reduce((sum, ms) => sum + ms, 0);
  const embedMs = first === 0 ? times.embedMs : 0;
  const headMs = end === model.layers.length ? times.headMs : 0;
  return layersMs + embedMs + headMs + times.stageMs;
}

/** Below this a throttle ratio is noise; from it on, placements count the member as slower. */
export const THROTTLED_RATIO = 1.5;
/** Above it, ratios are distinguished by this factor. */
const RATIO_STEP = 1.5;

/**
 * How many times slower a member is than its probe predicts: the factor that its laps have shown, which
 * persists, times its throttling, which passes. A member that is forecast to slow down counts as slow as
 * it will soon be, so that layers move before it is.
 */
export function slowdownOf(member: {
  readonly costRatio?: number | undefined;
  readonly device: Pick<DeviceState, "throttleRatio" | "forecast"> | null;
}): number {
  const { throttleRatio = 1, forecast } = member.device ?? {};
  const soon = forecast ? ratioAhead(forecast, FORECAST_AHEAD_MS) : 0;
  return (member.costRatio ?? 1) * steadyRatio(Math.max(throttleRatio, soon));
}

/** A throttle ratio in coarse steps: 1, or a power of the step, so that noise moves nothing. */
function steadyRatio(ratio: number): number {
  if (ratio < THROTTLED_RATIO) return 1;
  return RATIO_STEP ** Math.round(Math.log(ratio) / Math.log(RATIO_STEP));
}
