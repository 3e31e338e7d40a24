/**
 * Stages: their comparison, the boundaries between them, and the links that connect them. Pure.
 *
 *   boundary b   lies between stage b and stage b + 1
 *   invariant    stages stay contiguous, in order, with at least one layer each
 */
import type { MemberId } from "./ids.ts";
import type { Link } from "./member.ts";
import type { Stage } from "./state.ts";

/** The layers where boundary `boundary` may lie, both ends included. */
export function boundaryRange(
  stages: readonly Stage[],
  boundary: number,
): { readonly min: number; readonly max: number } {
  const before = stages[boundary];
  const after = stages[boundary + 1];
  if (before === undefined || after === undefined) {
    throw new RangeError(`no boundary ${boundary} between ${stages.length} stages`);
  }
  return { min: before.first + 1, max: after.end - 1 };
}

/** The stages with one boundary moved to `layer`, held inside its range. */
export function moveBoundary(
  stages: readonly Stage[],
  boundary: number,
  layer: number,
): readonly Stage[] {
  const { min, max } = boundaryRange(stages, boundary);
  const moved = Math.min(max, Math.max(min, Math.round(layer)));
  return stages.map((stage, index) => {
    if (index === boundary) return { ...stage, end: moved };
    return index === boundary + 1 ? { ...stage, first: moved } : stage;
  });
}

/** From each stage to the next one, and from the last to the first; none for a single stage. */
export function pipelineLinks(stages: readonly Stage[]): Pick<Link, "from" | "to">[] {
  if (stages.length === 1) return [];
  return stages.map(({ member }, index) => ({
    from: member,
    to: stages[(index + 1) % stages.length]!.member,
  }));
}

/** Whether a link connects two members, in either direction. */
export function isBetween(
  { from, to }: Pick<Link, "from" | "to">,
  one: MemberId,
  other: MemberId,
): boolean {
  return (from === one && to === other) || (from === other && to === one);
}

export function sameStages(one: readonly Stage[], other: readonly Stage[]): boolean {
  return (
    one.length === other.length &&
    one.every((stage, index) => {
      const twin = other[index]!;
      return stage.member === twin.member && stage.first === twin.first && stage.end === twin.end;
    })
  );
}
