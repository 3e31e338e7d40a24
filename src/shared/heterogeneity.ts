/**
 * Whether the members that compute differ enough that an even split would be slow, and
 * in what. Pure.
 */
import type { MemberId } from "./ids.ts";
import type { Member } from "./member.ts";

/** The share by which throughput or utilization must differ to count. */
export const HETEROGENEOUS_SHARE = 0.2;

/** One way in which members differ: the two extremes, and who has them. */
export type Difference = {
  /** `memory` in bytes, `throughput` in multiply-accumulates per ms, `utilization` as a fraction. */
  readonly kind: "memory" | "throughput" | "utilization";
  readonly min: number;
  readonly minMember: MemberId;
  readonly max: number;
  readonly maxMember: MemberId;
};

/**
 * Memory counts when it differs at all; throughput (the probe's mat-vec divided by the
 * throttle ratio) when the slowest is more than 20% below the fastest; utilization when
 * busy fractions are more than 20 points apart.
 */
export function differencesBetween(members: readonly Member[]): Difference[] {
  const computing = members.filter(({ adapter, measurements }) => adapter && measurements);
  const memory = rangeOf("memory", computing, ({ measurements }) => {
    return measurements?.memoryBudgetBytes ?? 0;
  });
  const throughput = rangeOf("throughput", computing, ({ measurements, device }) => {
    return (measurements?.matVecMacsPerMs ?? 0) / Math.max(1, device?.throttleRatio ?? 1);
  });
  const reporting = computing.filter(({ device }) => device !== null);
  const utilization = rangeOf("utilization", reporting, ({ device }) => device?.busyFraction ?? 0);
  return [
    ...memory.filter(({ min, max }) => max > min),
    ...throughput.filter(({ min, max }) => max - min > HETEROGENEOUS_SHARE * max),
    ...utilization.filter(({ min, max }) => max - min > HETEROGENEOUS_SHARE),
  ];
}

/** The range of a value over the members; none without members. */
function rangeOf(
  kind: Difference["kind"],
  members: readonly Member[],
  value: (member: Member) => number,
): Difference[] {
  const sorted = members.toSorted((one, other) => value(one) - value(other));
  const [low, high] = [sorted[0], sorted.at(-1)];
  if (!low || !high) return [];
  return [{ kind, min: value(low), minMember: low.id, max: value(high), maxMember: high.id }];
}
