/**
 * A member's position in a pipeline. A member that only sends requests is outside
 * it (`index` is -1), but knows the first and the last stage.
 */
import type { FrameHeader } from "../mesh/index.ts";
import type { MemberId, Pipeline, Stage } from "../shared/index.ts";

export type PipelinePosition = {
  readonly self: MemberId;
  readonly pipeline: Pipeline;
  readonly index: number;
  readonly stage: Stage | undefined;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly first: MemberId;
  readonly last: MemberId;
  readonly previous: MemberId | null;
  readonly next: MemberId | null;
  /** Part of every frame of this placement. */
  readonly header: FrameHeader;
};

export function positionInPipeline(self: MemberId, pipeline: Pipeline): PipelinePosition {
  const members = pipeline.stages.map(({ member }) => member);
  const index = members.indexOf(self);
  const first = members.at(0);
  const last = members.at(-1);
  if (first === undefined || last === undefined) throw new RangeError("a pipeline of no stages");
  return {
    self,
    pipeline,
    index,
    stage: pipeline.stages[index],
    isFirst: index === 0,
    isLast: index === members.length - 1,
    first,
    last,
    previous: index > 0 ? members[index - 1]! : null,
    next: index >= 0 ? (members[index + 1] ?? null) : null,
    header: { placement: pipeline.placement, epoch: pipeline.epoch },
  };
}

/** A frame's placement, compared with the position's. Without a position, every frame is newer. */
export function comparePlacement(
  position: PipelinePosition | null,
  { epoch, placement }: FrameHeader,
): "current" | "older" | "newer" {
  if (position === null) return "newer";
  const ahead = epoch - position.header.epoch || placement - position.header.placement;
  return ahead === 0 ? "current" : ahead > 0 ? "newer" : "older";
}
