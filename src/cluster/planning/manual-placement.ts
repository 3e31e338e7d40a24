/** Checks stages that a person chose. Pure. */
import {
  modelBytes,
  placedScratchBytes,
  shardBytes,
  type Member,
  type ModelSummary,
  DEFAULT_PLACEMENT_RULES,
  type RoomState,
  type Stage,
  RoomError,
} from "../../shared/index.ts";

/** Throws a `RoomError` unless `stages` cover each layer once, on members that can hold them. */
export function checkStages(state: RoomState, model: ModelSummary, stages: readonly Stage[]): void {
  checkLayers(model, stages);
  const taken = new Set<string>();
  for (const stage of stages) {
    const member = state.members.find(({ id }) => id === stage.member);
    if (!member) {
      const members = state.members.map(({ id }) => id);
      throw new RoomError({ reason: "stage_of_unknown_member", member: stage.member, members });
    }
    if (taken.has(stage.member)) {
      throw new RoomError({ reason: "member_has_two_stages", member: stage.member });
    }
    taken.add(stage.member);
    checkMember(state, model, stage, member);
  }
}

function checkLayers({ name, layers }: ModelSummary, stages: readonly Stage[]): void {
  let next = 0;
  for (const { member, first, end } of stages) {
    if (end <= first) throw new RoomError({ reason: "stage_without_layers", member, first, end });
    if (first > next) {
      throw new RoomError({ reason: "layers_unassigned", model: name, first: next, end: first });
    }
    if (first < next) {
      const twice = { model: name, first, end: Math.min(next, end) };
      throw new RoomError({ reason: "layers_assigned_twice", ...twice });
    }
    next = end;
  }
  if (next > layers.length) {
    const exceeded = { model: name, layers: layers.length, end: next };
    throw new RoomError({ reason: "stages_exceed_model", ...exceeded });
  }
  if (next < layers.length) {
    const missing = { model: name, first: next, end: layers.length };
    throw new RoomError({ reason: "layers_unassigned", ...missing });
  }
}

function checkMember(
  { settings }: RoomState,
  model: ModelSummary,
  stage: Stage,
  member: Member,
): void {
  if (!member.adapter || !member.measurements) {
    const { id, noAdapter } = member;
    throw new RoomError({ reason: "member_cannot_compute", member: id, noAdapter });
  }
  if ((settings.placementRules ?? DEFAULT_PLACEMENT_RULES).memory === "off") return;
  const { weightBytes, cacheBytes } = shardBytes(modelBytes(model, settings), stage);
  const neededBytes = weightBytes + cacheBytes;
  const budgetBytes = member.measurements.memoryBudgetBytes;
  const availableBytes = Math.max(0, budgetBytes - placedScratchBytes(model, settings));
  if (neededBytes > availableBytes) {
    const exceeded = { ...stage, model: model.name, neededBytes, availableBytes };
    throw new RoomError({ reason: "stage_exceeds_memory", ...exceeded });
  }
}
