/**
 * Whether the members that compute differ enough that an even split would be
 * wrong, and in what. Pure.
 */
import type { Member } from "./member.ts";

/** The share by which throughput or utilisation must differ to count. */
export const HETEROGENEOUS_SHARE = 0.2;

export type Heterogeneity = {
  readonly heterogeneous: boolean;
  /** One sentence for each way in which the members differ. */
  readonly reasons: readonly string[];
};

/**
 * Memory counts when it differs at all; throughput (the probe's mat-vec, over the
 * throttle ratio) when the slowest is more than 20 % below the fastest;
 * utilisation when busy fractions are more than 20 points apart.
 */
export function heterogeneityOf(members: readonly Member[]): Heterogeneity {
  const computing = members.filter(({ adapter, measurements }) => adapter && measurements);
  const memory = rangeOf(computing, ({ measurements }) => measurements?.memoryBudgetBytes ?? 0);
  const speed = rangeOf(
    computing,
    ({ measurements, device }) =>
      (measurements?.matVecMacsPerMs ?? 0) / Math.max(1, device?.throttleRatio ?? 1),
  );
  const busy = rangeOf(
    computing.filter(({ device }) => device !== null),
    ({ device }) => device?.busyFraction ?? 0,
  );
  const reasons: string[] = [];
  if (memory && memory.most > memory.least) {
    reasons.push(
      `Memory differs: ${bytes(memory.least)} (${memory.lowest}) to ${bytes(memory.most)} (${memory.highest}).`,
    );
  }
  const slower = speed ? (speed.most - speed.least) / Math.max(speed.most, Number.MIN_VALUE) : 0;
  if (speed && slower > HETEROGENEOUS_SHARE) {
    reasons.push(
      `Throughput differs: ${speed.lowest} is ${percent(slower)} below ${speed.highest}.`,
    );
  }
  if (busy && busy.most - busy.least > HETEROGENEOUS_SHARE) {
    reasons.push(
      `Utilisation differs: ${percent(busy.least)} (${busy.lowest}) to ${percent(busy.most)} (${busy.highest}) busy.`,
    );
  }
  return { heterogeneous: reasons.length > 0, reasons };
}

/** The least and the most of a value, and who has it; null without members. */
function rangeOf(members: readonly Member[], value: (member: Member) => number) {
  const sorted = members.toSorted((one, other) => value(one) - value(other));
  const [low, high] = [sorted[0], sorted.at(-1)];
  if (!low || !high) return null;
  return { least: value(low), lowest: low.name, most: value(high), highest: high.name };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function bytes(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} GB`;
  return count >= 1e6 ? `${(count / 1e6).toFixed(1)} MB` : `${count.toLocaleString("en-US")} bytes`;
}
