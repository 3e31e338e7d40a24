/**
 * The problem that a room poses: its measurements and device states become the solver's numbers.
 * Times come from `shared/step-time.ts`, bytes from `shared/shard-bytes.ts`; a hop takes half the
 * measured round trip, and the hidden state at the measured rate.
 */
import {
  type Link,
  type Member,
  type MemberId,
  type ModelSummary,
  type BrokenRule,
  DEFAULT_PLACEMENT_RULES,
  type PlacementRules,
  type Settings,
  type Stage,
  modelBytes,
  placedScratchBytes,
  PREFILL_TOKENS,
  slowdownOf,
  stepTimes,
} from "../../shared/index.ts";
import { applyRules, brokenRules } from "./constraints.ts";
import { plausible } from "./plausible.ts";
import type { Problem, ProblemMember } from "./problem.ts";

/** The parts of a room's state that determine the problem. */
export type RoomFacts = {
  readonly members: readonly Member[];
  readonly links: readonly Link[];
  readonly settings: Pick<Settings, "contextTokens" | "generationSlots"> & {
    readonly placementRules?: PlacementRules | undefined;
  };
  readonly placement?: { readonly model: ModelSummary; readonly stages: readonly Stage[] } | null;
};

export type BuildOptions = {
  /** How fast members load weights; if set, bytes to load add to the cost of a placement. */
  readonly loadBytesPerMs?: number | null;
  /** Members that get at most so many layers. */
  readonly maxLayers?: ReadonlyMap<MemberId, number>;
};

export type RoomProblem = {
  readonly problem: Problem;
  /** Constraints that keep members out (hard) or add a penalty to their cost (soft). */
  readonly brokenRules: readonly BrokenRule[];
};

const BYTES_PER_NUMBER = 4;
/** Breaks ties in favor of loaded layers: the cost of loading one byte, in ms per token. */
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
    const measured = memberNumbers(room, member, model);
    if (measured === null) return [];
    const found = brokenRules(member, model, rules);
    broken.push(...found);
    const charges = found.filter(({ hard }) => !hard).length * rules.penaltyMs;
    const maxLayers = options.maxLayers?.get(member.id);
    const isOut = found.some(({ hard }) => hard);
    return [
      {
        ...measured,
        ...(isOut ? { excluded: true } : {}),
        ...(maxLayers === undefined ? {} : { maxLayers }),
        ...(member.use === "pin" && !isOut ? { pinned: true as const } : {}),
        ...(charges > 0 ? { penaltyMs: charges } : {}),
      },
    ];
  });
  const ids = new Set(members.map(({ id }) => id));
  const problem: Problem = {
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
    maxStages: rules.maxStageCount,
    maxCostMs: 1000 / rules.minTokensPerSecond,
  };
  return { problem: applyRules(problem, rules), brokenRules: broken };
}

function modelNumbers({ settings }: RoomFacts, model: ModelSummary): Problem["model"] {
  const { layers, ...ends } = modelBytes(model, settings);
  const binding = (bytes: number) => Math.min(bytes, model.largestTensorBytes);
  return {
    ...ends,
    layers: layers.map((layer) => ({ ...layer, bindingBytes: binding(layer.weightBytes) })),
    embedBindingBytes: binding(ends.embedBytes),
    headBindingBytes: binding(ends.headBytes),
    hiddenBytes: model.hidden * BYTES_PER_NUMBER,
    prefillTokens: PREFILL_TOKENS,
  };
}

function memberNumbers(room: RoomFacts, member: Member, model: ModelSummary): ProblemMember | null {
  const { adapter, measurements, device, shard } = member;
  if (adapter === null || measurements === null) return null;
  // During a generation the context is half full on average.
  const contextTokens = Math.min(room.settings.contextTokens, model.contextTokens) / 2;
  const claimed = plausible(measurements, adapter);
  const times = stepTimes(model, claimed, { contextTokens, slowdown: slowdownOf(member) });
  // The budget is this tab's alone: a shard that it holds now is freed before the next loads.
  const budgetBytes = device?.memoryBudgetBytes ?? measurements.memoryBudgetBytes;
  const holds = shard !== null && shard.status === "ready" && isSameModel(room, model);
  return {
    id: member.id,
    memoryBytes: Math.max(0, budgetBytes - placedScratchBytes(model, room.settings)),
    ...times,
    layerMs: [...times.layerMs],
    prefillLayerMs: [...times.prefillLayerMs],
    maxBindingBytes: Math.min(adapter.maxStorageBindingBytes, adapter.maxBufferBytes),
    ...(holds ? { held: { first: shard.first, end: shard.end } } : {}),
  };
}

function isSameModel({ placement }: RoomFacts, model: ModelSummary): boolean {
  return placement != null && placement.model.contentId === model.contentId;
}
