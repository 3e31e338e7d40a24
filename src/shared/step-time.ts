/**
 * The time of one step of a shard, from what the member's probe measured. The solver predicts
 * placements with it, and the device monitor compares steps with it.
 *
 *   layer   its multiply-accumulates at the measured rate, the cache of the context at the
 *           measured copy rate, and its dispatches
 *   embed   a dispatch
 *   head    its multiply-accumulates and its dispatches
 *   stage   one readback
 *   alone   of a stage with all layers: as much of the readback as the steps in flight do not hide
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

/** Steps in flight; more gained nothing on the card that was measured (docs/performance). */
const MAX_STEPS = 4;
/** Work in flight, which a new prompt or the end of an answer has to wait for. */
const MAX_IN_FLIGHT_MS = 40;

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
  readonly aloneMs: number;
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
  const layerMs = layer(1, matVecMacsPerMs);
  const embedMs = slowdown * DISPATCHES.embed * dispatchMs;
  const headMs = slowdown * (model.headMacs / matVecMacsPerMs + DISPATCHES.head * dispatchMs);
  const computeMs = layerMs.reduce((sum, ms) => sum + ms, embedMs + headMs);
  return {
    layerMs,
    prefillLayerMs: layer(PREFILL_TOKENS, matMulMacsPerMs),
    embedMs,
    headMs,
    stageMs: readbackMs,
    aloneMs: runAheadMs(computeMs, readbackMs) - computeMs,
  };
}

/** Steps in flight at once in a shard of all layers, from the time of the last one: one where steps take long. */
export function stepsInFlight(stepMs: number): number {
  return Math.max(1, Math.min(MAX_STEPS, Math.floor(MAX_IN_FLIGHT_MS / stepMs)));
}

/**
 * The time per token of a shard of all layers, which computes the next tokens while it reads one back.
 * The first step runs alone. If two as long as that may be in flight, either computation takes all the
 * time from then on, or steps are so short that `MAX_STEPS` are in flight.
 */
function runAheadMs(computeMs: number, readbackMs: number): number {
  const firstMs = computeMs + readbackMs;
  return stepsInFlight(firstMs) === 1 ? firstMs : Math.max(computeMs, firstMs / MAX_STEPS);
}

/** The inverse: the computation of a shard of all layers that takes `stepMs` per token. */
export function runAheadComputeMs(stepMs: number, readbackMs: number): number {
  return stepsInFlight(stepMs) === 1
    ? stepMs - readbackMs
    : Math.min(stepMs, MAX_STEPS * stepMs - readbackMs);
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
  const isLast = end === model.layers.length;
  const headMs = isLast ? times.headMs : 0;
  return layersMs + embedMs + headMs + (first === 0 && isLast ? times.aloneMs : times.stageMs);
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
