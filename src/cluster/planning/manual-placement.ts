/** Checks stages that a person chose. Pure. */
import {
  type ModelSummary,
  RoomError,
  type RoomState,
  type Stage,
  type Violation,
} from "../../shared/index.ts";
import { costOf, problemOf } from "./room-problem.ts";

/** A person may violate the other constraints knowingly. */
const REFUSED: ReadonlySet<Violation["kind"]> = new Set([
  "gap_or_overlap",
  "no_layers",
  "two_stages",
  "wrong_layer_count",
  "unknown_member",
]);

/** Throws a `RoomError` unless `stages` cover each layer once, on members that can hold them. */
export function checkStages(state: RoomState, model: ModelSummary, stages: readonly Stage[]): void {
  for (const { member: id } of stages) {
    const member = state.members.find((each) => each.id === id);
    if (member === undefined || (member.adapter && member.measurements)) continue;
    const { noAdapter } = member;
    throw new RoomError({ reason: "member_cannot_compute", member: id, noAdapter });
  }
  const { violations, shares } = costOf(problemOf(state, model).problem, stages);
  const violation = violations.find(({ kind }) => REFUSED.has(kind));
  if (violation) throw new RoomError({ reason: "stages_invalid", model: model.name, violation });
  const short = violations.find((each) => each.kind === "memory");
  const share = short && shares.find(({ member }) => member === short.member);
  if (!share) return;
  const { member, first, end, usedBytes: neededBytes, memoryBytes: availableBytes } = share;
  const exceeded = { member, model: model.name, first, end, neededBytes, availableBytes };
  throw new RoomError({ reason: "stage_exceeds_memory", ...exceeded });
}
