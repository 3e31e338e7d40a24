/**
 * The problem that a room poses: measurements and device states in, the cost
 * model's numbers out. Nothing is guessed from a device's name.
 *
 *   layer   its multiply-accumulates at the measured mat-vec rate, the cache of
 *           the expected context at the measured copy rate, its dispatches; all
 *           times the throttle ratio and what laps have shown (`corrections`)
 *   stage   one readback and the dispatches that every stage adds
 *   hop     half the measured round trip, and the hidden state at the measured rate
 */
import {
  type Link,
  type ModelSummary,
  type BrokenRule,
  DEFAULT_PLACEMENT_RULES,
  type PlacementRules,
  type Settings,
  type Stage,
} from "../../shared/index.ts";
import { brokenRules, CONSTRAINTS, type RoomMember } from "./constraints.ts";
import type { Problem, ProblemMember } from "./problem.ts";

/** What the builder reads of a room's state. */
export type RoomFacts = {
  readonly members: readonly RoomMember[];
  readonly links: readonly Link[];
  readonly settings: Pick<Settings, "contextTokens" | "generationSlots"> & {
    readonly placementRules?: PlacementRules | undefined;
  };
  readonly placement?: { readonly model: ModelSummary; readonly stages: readonly Stage[] } | null;
};

export type BuildOptions = {
  /** Measured over predicted compute of each member, from `corrections.ts`; 1 where absent. */
  readonly corrections?: ReadonlyMap<string, number>;
  /** Tokens in the context when an answer is written, on average. */
  readonly expectedContextTokens?: number;
  /** How fast members load weights; with it, bytes to load count against a placement. */
  readonly loadBytesPerMs?: number | null;
};

export type RoomProblem = {
  readonly problem: Problem;
  /** Constraints that keep members out (hard) or add a penalty to their cost (soft). */
  readonly brokenRules: readonly BrokenRule[];
};

/** Dispatches of a layer and of a stage; each costs the measured time of a dispatch. */
const LAYER_DISPATCHES = 10;
const STAGE_DISPATCHES = 4;
/** Buffers besides weights and cache: activations of a chunk, staging, logits. */
export const SCRATCH_BYTES = 16 * 2 ** 20;
const PREFILL_TOKENS = 64;
const BYTES_PER_NUMBER = 4;
/** Ties are broken in favour of layers that are loaded: one byte costs so many ms. */
const TIE_MS_PER_BYTE = 1e-14;

/**
 * The problem of placing `model` in a room. Members without an adapter or
 * measurements are not in it; members that break a hard rule are excluded in it.
 */
export function roomProblem(
  room: RoomFacts,
  model: ModelSummary,
  options: BuildOptions = {},
): RoomProblem {
  const rules = room.settings.placementRules ?? DEFAULT_PLACEMENT_RULES;
  const broken: BrokenRule[] = [];
  const members = room.members.flatMap((member): ProblemMember[] => {
    const measured = memberNumbers(room, member, model, options);
    if (measured === null) return [];
    const found = brokenRules(member, model, rules);
    broken.push(...found);
    const charges = found.filter(({ hard }) => !hard).length * rules.penaltyMs;
    const isOut = found.some(({ hard }) => hard);
    return [
      {
        ...measured,
        ...(isOut ? { excluded: true } : {}),
        ...(member.use === "pin" && !isOut ? { pinned: true as const } : {}),
        ...(charges > 0 ? { penaltyMs: charges } : {}),
      },
    ];
  });
  const ids = new Set(members.map(({ id }) => id));
  let problem: Problem = {
    name: model.name,
    objective: rules.objective,
    model: modelNumbers(room, model),
    members,
    links: room.links
      .filter(({ from, to }) => ids.has(from) && ids.has(to) && from !== to)
      .map(({ from, to, roundTripMs, bytesPerMs }) => ({
        from,
        to,
        latencyMs: roundTripMs / 2,
        bytesPerMs,
      })),
    loadMsPerByte:
      options.loadBytesPerMs != null
        ? 1 / (options.loadBytesPerMs * rules.moveHorizonTokens)
        : TIE_MS_PER_BYTE,
  };
  for (const { name, shape } of CONSTRAINTS)
    if (shape !== undefined) problem = shape(problem, rules[name], rules);
  return { problem, brokenRules: broken };
}

function modelNumbers({ settings }: RoomFacts, model: ModelSummary): Problem["model"] {
  // A model's own context is the most that is cached, whatever the room asks for.
  const tokens = Math.min(settings.contextTokens, model.contextTokens) * settings.generationSlots;
  const headBytes = model.headBytes > 0 || !model.tied ? model.headBytes : model.embedBytes;
  return {
    layers: model.layers.map((layer) => ({
      weightBytes: layer.weightBytes,
      kvBytes: layer.kvBytesPerToken * tokens,
      bindingBytes: Math.min(layer.weightBytes, model.largestTensorBytes),
    })),
    embedBytes: model.embedBytes,
    headBytes,
    embedBindingBytes: Math.min(model.embedBytes, model.largestTensorBytes),
    headBindingBytes: Math.min(headBytes, model.largestTensorBytes),
    tied: model.tied,
    hiddenBytes: model.hidden * BYTES_PER_NUMBER,
    prefillTokens: PREFILL_TOKENS,
  };
}

function memberNumbers(
  room: RoomFacts,
  member: RoomMember,
  model: ModelSummary,
  { corrections, expectedContextTokens }: BuildOptions,
): ProblemMember | null {
  const { adapter, measurements, device, shard } = member;
  if (adapter === null || measurements === null) return null;
  const throttle = device !== null && device.throttleRatio > 0 ? device.throttleRatio : 1;
  const slower = throttle * (corrections?.get(member.id) ?? 1);
  const context =
    expectedContextTokens ?? Math.min(room.settings.contextTokens, model.contextTokens) / 2;
  const { matVecMacsPerMs, matMulMacsPerMs, copyBytesPerMs, dispatchMs, readbackMs } = measurements;
  const overhead = LAYER_DISPATCHES * dispatchMs;
  const layerMs = model.layers.map(
    ({ macs, kvBytesPerToken }) =>
      slower * (macs / matVecMacsPerMs + (kvBytesPerToken * context) / copyBytesPerMs + overhead),
  );
  const prefillLayerMs = model.layers.map(
    ({ macs, kvBytesPerToken }) =>
      slower *
      ((macs * PREFILL_TOKENS) / matMulMacsPerMs +
        (kvBytesPerToken * context) / copyBytesPerMs +
        overhead),
  );
  const budget = device?.memoryBudgetBytes ?? measurements.memoryBudgetBytes;
  // The budget is this tab's alone, and a shard that it holds now makes room for the next.
  const holds = shard !== null && shard.status === "ready" && isSameModel(room, model);
  return {
    id: member.id,
    memoryBytes: Math.max(0, budget - SCRATCH_BYTES),
    stageMs: readbackMs + STAGE_DISPATCHES * dispatchMs,
    layerMs,
    prefillLayerMs,
    embedMs: dispatchMs,
    headMs: slower * (model.headMacs / matVecMacsPerMs) + STAGE_DISPATCHES * dispatchMs,
    maxBindingBytes: Math.min(adapter.maxStorageBindingBytes, adapter.maxBufferBytes),
    ...(holds ? { held: { first: shard.first, end: shard.end } } : {}),
  };
}

function isSameModel({ placement }: RoomFacts, model: ModelSummary): boolean {
  return placement != null && placement.model.contentId === model.contentId;
}
