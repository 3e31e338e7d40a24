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
  const memory = computing.map(({ measurements }) => measurements?.memoryBudgetBytes ?? 0);
  const speed = computing.map(
    ({ measurements, device }) =>
      (measurements?.matVecMacsPerMs ?? 0) / Math.max(1, device?.throttleRatio ?? 1),
  );
  const busy = computing.flatMap(({ device }) => (device ? [device.busyFraction] : []));
  const reasons: string[] = [];
  if (spread(memory) > 0) {
    reasons.push(`Memory differs: ${bytes(Math.min(...memory))} to ${bytes(Math.max(...memory))}.`);
  }
  const slower = spread(speed) / Math.max(...speed, Number.MIN_VALUE);
  if (slower > HETEROGENEOUS_SHARE) {
    reasons.push(`Throughput differs: the slowest member is ${percent(slower)} below the fastest.`);
  }
  if (spread(busy) > HETEROGENEOUS_SHARE) {
    reasons.push(
      `Utilisation differs: ${percent(Math.min(...busy))} to ${percent(Math.max(...busy))} busy.`,
    );
  }
  return { heterogeneous: reasons.length > 0, reasons };
}

function spread(values: readonly number[]): number {
  return values.length === 0 ? 0 : Math.max(...values) - Math.min(...values);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function bytes(count: number): string {
  return `${count.toLocaleString("en-US")} bytes`;
}
