/**
 * Where one member sits in a pipeline: first, last, between whom. A member that
 * only asks has no seat (`index` is -1) but knows whom to ask.
 */
import type { FrameHeader } from "../mesh/frames.ts";
import type { MemberId } from "../shared/ids.ts";
import type { Pipeline } from "./types.ts";

export type Seat = {
  readonly self: MemberId;
  readonly pipeline: Pipeline;
  readonly index: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly first: MemberId;
  readonly last: MemberId;
  readonly previous: MemberId | null;
  readonly next: MemberId | null;
  /** What every frame of this placement carries. */
  readonly header: FrameHeader;
};

export function seatOf(self: MemberId, pipeline: Pipeline): Seat {
  const members = pipeline.stages.map(({ member }) => member);
  const index = members.indexOf(self);
  const first = members.at(0);
  const last = members.at(-1);
  if (first === undefined || last === undefined) throw new RangeError("a pipeline of no stages");
  return {
    self,
    pipeline,
    index,
    isFirst: index === 0,
    isLast: index === members.length - 1,
    first,
    last,
    previous: index > 0 ? members[index - 1]! : null,
    next: index >= 0 ? (members[index + 1] ?? null) : null,
    header: { placement: pipeline.placement, epoch: pipeline.epoch },
  };
}

export type Freshness = "current" | "older" | "newer";

/** How a frame's placement stands to the seat's; without a seat every frame is ahead of us. */
export function freshness(seat: Seat | null, { epoch, placement }: FrameHeader): Freshness {
  if (seat === null) return "newer";
  const ahead = epoch - seat.header.epoch || placement - seat.header.placement;
  return ahead === 0 ? "current" : ahead > 0 ? "newer" : "older";
}
