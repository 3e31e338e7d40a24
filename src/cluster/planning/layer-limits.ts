/**
 * How many layers a member gets before it has confirmed its claimed speed. Pure.
 *
 * A claim cannot be checked, only tried. A member that has served no laps and claims to be faster than
 * every other member that has, or that holds layers now, gets at most an equal share of the layers, or
 * what it holds already. With that share it serves laps, which correct its claim, and then the limit
 * ends. In a room in which nobody has shown anything, claims are all there is, and nobody is limited.
 */
import { plausible } from "../../placement/index.ts";
import {
  type Member,
  type MemberId,
  type ModelSummary,
  predictStepMs,
  type RoomState,
} from "../../shared/index.ts";

/** A claim within the noise of a probe, which moves layers for no great gain. */
const MARGIN = 1.25;

type Computing = { readonly id: MemberId; readonly laps: boolean; readonly stepMs: number };

export function layerLimits(
  { members, placement }: Pick<RoomState, "members" | "placement">,
  model: ModelSummary,
): ReadonlyMap<MemberId, number> {
  const layers = model.layers.length;
  const computing = members.flatMap((member) => computingMember(member, model));
  const isPlaced = placement?.error === null && placement.model.contentId === model.contentId;
  const heldBy = (id: MemberId) => {
    const stage = isPlaced ? placement.stages.find(({ member }) => member === id) : undefined;
    return stage === undefined ? 0 : stage.end - stage.first;
  };
  const shown = computing.filter(({ id, laps }) => laps || heldBy(id) > 0);
  const isFaster = ({ id, stepMs }: Computing) => {
    const others = shown.filter((other) => other.id !== id);
    return others.length > 0 && others.every((other) => stepMs * MARGIN < other.stepMs);
  };
  const share = Math.ceil(layers / computing.length);
  return new Map(
    computing
      .filter((member) => !member.laps && isFaster(member))
      .map(({ id }) => [id, Math.max(share, heldBy(id))] as const)
      .filter(([, limit]) => limit < layers),
  );
}

/** With the time that all layers would take on it, corrected by its laps. */
function computingMember(member: Member, model: ModelSummary): Computing[] {
  const { id, adapter, measurements, use, costRatio } = member;
  if (adapter === null || measurements === null || use === "exclude") return [];
  const all = { first: 0, end: model.layers.length };
  const predictedMs = predictStepMs(model, all, plausible(measurements, adapter));
  return [{ id, laps: costRatio !== undefined, stepMs: predictedMs * (costRatio ?? 1) }];
}
