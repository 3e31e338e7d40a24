/**
 * Another placement after the loss of one stage in which the other stages keep their layers, and with
 * them their caches: answers in progress then continue once only the lost layers have been loaded and
 * computed again. Pure. The solver's placement may be faster; a review compares them later.
 */
import type { RoomProblem } from "../../placement/index.ts";
import type { Placement, RoomState, Stage } from "../../shared/index.ts";
import { costOf, predicted } from "./room-problem.ts";

/**
 * The same stages, if the member whose layers are lost is here and may load them again; else the fastest
 * without a violated constraint, or null.
 */
export function repairOf(
  state: Pick<RoomState, "members">,
  placement: Placement,
  { problem }: Pick<RoomProblem, "problem">,
): ReturnType<typeof predicted> | null {
  const lost = placement.stages.findIndex((stage) => !holdsStage(state, stage));
  const others = placement.stages.filter((_, index) => index !== lost);
  if (lost < 0 || others.some((stage) => !holdsStage(state, stage))) return null;
  if (costOf(problem, placement.stages).violations.length === 0)
    return predicted(problem, placement.stages);
  const repairs = candidates(state, placement.stages, lost).flatMap((stages) => {
    const { violations, msPerToken: predictedMs } = costOf(problem, stages);
    return violations.length === 0 && predictedMs !== null ? [{ stages, predictedMs }] : [];
  });
  return repairs.sort((one, other) => one.predictedMs - other.predictedMs)[0] ?? null;
}

/** Whether the member of a stage of the current placement is here with its layers. */
export function holdsStage({ members }: Pick<RoomState, "members">, { member }: Stage): boolean {
  return members.find(({ id }) => id === member)?.shard?.status === "ready";
}

/** The lost layers go to a member without a stage, or to the stage before or after. */
function candidates(
  { members }: Pick<RoomState, "members">,
  stages: readonly Stage[],
  lost: number,
): Stage[][] {
  const { first, end, member: gone } = stages[lost]!;
  const taken = new Set(stages.map(({ member }) => member));
  const spares = members.filter(({ id, adapter }) => adapter !== null && !taken.has(id));
  const without = stages.filter(({ member }) => member !== gone);
  const extended = (index: number, change: Partial<Stage>) =>
    without.map((stage, at) => (at === index ? { ...stage, ...change } : stage));
  return [
    ...spares.map(({ id }) =>
      stages.map((stage, at) => (at === lost ? { ...stage, member: id } : stage)),
    ),
    ...(lost > 0 ? [extended(lost - 1, { end })] : []),
    ...(lost < without.length ? [extended(lost, { first })] : []),
  ];
}
