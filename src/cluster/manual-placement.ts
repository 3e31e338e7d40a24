/**
 * Stages that a person chose: checked, and refused in words that say what to
 * change. Pure.
 */
import { SCRATCH_BYTES } from "../placement/index.ts";
import type { Member } from "../shared/member.ts";
import type { ModelSummary } from "../shared/model.ts";
import { DEFAULT_PLACEMENT_RULES } from "../shared/placement-rules.ts";
import type { RoomState, Stage } from "../shared/state.ts";
import { RoomError } from "./room-error.ts";

/** Throws `RoomError` unless `stages` cover the model's layers once, on members that can hold them. */
export function checkStages(state: RoomState, model: ModelSummary, stages: readonly Stage[]): void {
  checkLayers(model, stages);
  const taken = new Set<string>();
  stages.forEach((stage, position) => {
    const member = state.members.find(({ id }) => id === stage.member);
    if (!member) {
      throw new RoomError(
        "bad_request",
        `No member ${stage.member} is in the room. Its members: ${state.members.map(({ id }) => id).join(", ")}.`,
      );
    }
    if (taken.has(stage.member)) {
      throw new RoomError(
        "bad_request",
        `Member ${stage.member} has two stages; a member takes one contiguous range of layers.`,
      );
    }
    taken.add(stage.member);
    checkMember(state, model, stages, position, member);
  });
}

/** Bytes of weights and cache that a stage needs; scratch is taken from what the member has. */
export function stageBytes(
  model: ModelSummary,
  { first, end }: Stage,
  contextTokens: number,
  generationSlots: number,
): number {
  const isFirst = first === 0;
  const isLast = end === model.layers.length;
  const embed = isFirst ? model.embedBytes : 0;
  const head = isLast && !(isFirst && model.tied) ? model.headBytes : 0;
  return model.layers
    .slice(first, end)
    .reduce(
      (sum, { weightBytes, kvBytesPerToken }) =>
        sum + weightBytes + kvBytesPerToken * contextTokens * generationSlots,
      embed + head,
    );
}

function checkLayers({ name, layers }: ModelSummary, stages: readonly Stage[]): void {
  let next = 0;
  for (const { member, first, end } of stages) {
    if (end <= first) {
      throw new RoomError("bad_request", `Member ${member} is given no layer: [${first}, ${end}).`);
    }
    if (first > next) {
      throw new RoomError("bad_request", `Nobody runs the layers [${next}, ${first}) of ${name}.`);
    }
    if (first < next) {
      throw new RoomError(
        "bad_request",
        `The layers [${first}, ${Math.min(next, end)}) of ${name} are given twice; stages go in the order of their layers and do not overlap.`,
      );
    }
    next = end;
  }
  if (next > layers.length) {
    throw new RoomError(
      "bad_request",
      `${name} has ${layers.length} layers; the stages go up to ${next}.`,
    );
  }
  if (next < layers.length) {
    throw new RoomError(
      "bad_request",
      `Nobody runs the layers [${next}, ${layers.length}) of ${name}.`,
    );
  }
}

function checkMember(
  { settings }: RoomState,
  model: ModelSummary,
  stages: readonly Stage[],
  position: number,
  member: Member,
): void {
  if (!member.adapter || !member.measurements) {
    const why = member.noAdapter?.reason.replace("_", " ") ?? "it has not been measured yet";
    throw new RoomError("unavailable", `Member ${member.id} cannot compute: ${why}.`);
  }
  const stage = stages[position];
  if (!stage) return;
  if ((settings.placementRules ?? DEFAULT_PLACEMENT_RULES).memory === "off") return;
  // As the placement will have it: a model's own context is the most that is cached.
  const contextTokens = Math.min(settings.contextTokens, model.contextTokens);
  const needed = stageBytes(model, stage, contextTokens, settings.generationSlots);
  const has = Math.max(0, member.measurements.memoryBudgetBytes - SCRATCH_BYTES);
  const short = needed - has;
  if (short > 0) {
    throw new RoomError(
      "unavailable",
      `Member ${member.id} has ${count(has)} bytes for layers ` +
        `[${stage.first}, ${stage.end}) of ${model.name}, which need ${count(needed)}: ${count(short)} bytes short. ` +
        "Give it fewer layers, or lower the room's context or generation slots.",
    );
  }
}

function count(bytes: number): string {
  return Math.ceil(bytes).toLocaleString("en-US");
}
