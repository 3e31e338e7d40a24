/**
 * The fitness of each member for a shard, from 0 to 1, for display and ordering. The solver does not
 * use scores; it uses milliseconds and bytes.
 */
import {
  type Link,
  type Member,
  DEFAULT_PLACEMENT_RULES,
  type PlacementRules,
} from "../../shared/index.ts";

export type Score = {
  readonly member: string;
  /** The weighted mean of the five scores below. */
  readonly total: number;
  /** The current mat-vec rate, relative to the best in the room. */
  readonly compute: number;
  /** The memory budget, relative to the largest in the room. */
  readonly memory: number;
  /** The best mean round trip in the room, relative to this member's; 0 without links. */
  readonly network: number;
  /** 1 without throttling and pressure; lower with either, and on a low battery. */
  readonly thermal: number;
  /** The mean bandwidth of its links, relative to the best in the room. */
  readonly bandwidth: number;
};

const PRESSURE_FACTOR = { nominal: 1, fair: 0.85, serious: 0.5, critical: 0.2 };
const LOW_BATTERY_FACTOR = 0.7;

/** The scores of the members that compute, best first; equal ones by id. A battery below the room's limit counts as low. */
export function scoresOf(
  members: readonly Member[],
  links: readonly Link[],
  rules: Pick<PlacementRules, "scores" | "batteryLevel"> = DEFAULT_PLACEMENT_RULES,
): Score[] {
  const facts = members
    .filter(({ adapter, measurements }) => adapter !== null && measurements !== null)
    .map((member) => factsOf(member, links, rules.batteryLevel));
  const weights = rules.scores;
  const best = {
    speed: Math.max(...facts.map(({ speed }) => speed)),
    memory: Math.max(...facts.map(({ memory }) => memory)),
    roundTrip: Math.min(...facts.map(({ roundTrip }) => roundTrip)),
    bandwidth: Math.max(...facts.map(({ bandwidth }) => bandwidth)),
  };
  const sum =
    weights.compute + weights.memory + weights.network + weights.thermal + weights.bandwidth;
  return facts
    .map((fact): Score => {
      const compute = share(fact.speed, best.speed);
      const memory = share(fact.memory, best.memory);
      const network = fact.roundTrip === Infinity ? 0 : share(best.roundTrip, fact.roundTrip);
      const bandwidth = share(fact.bandwidth, best.bandwidth);
      const weighted =
        weights.compute * compute +
        weights.memory * memory +
        weights.network * network +
        weights.thermal * fact.thermal +
        weights.bandwidth * bandwidth;
      const total = sum > 0 ? weighted / sum : 0;
      return { member: fact.id, total, compute, memory, network, thermal: fact.thermal, bandwidth };
    })
    .sort((left, right) => right.total - left.total || (left.member < right.member ? -1 : 1));
}

function factsOf(member: Member, links: readonly Link[], batteryLevel: number) {
  const { id, measurements, device } = member;
  const throttle = Math.max(1, device?.throttleRatio ?? 1);
  const mine = links.filter(({ from, to }) => from === id || to === id);
  const level = device?.batteryLevel ?? null;
  const isLow = level !== null && device?.batteryCharging !== true && level < batteryLevel;
  return {
    id,
    speed: (measurements?.matVecMacsPerMs ?? 0) / throttle,
    memory: device?.memoryBudgetBytes ?? measurements?.memoryBudgetBytes ?? 0,
    roundTrip: mine.length === 0 ? Infinity : mean(mine.map(({ roundTripMs }) => roundTripMs)),
    bandwidth: mine.length === 0 ? 0 : mean(mine.map(({ bytesPerMs }) => bytesPerMs)),
    thermal:
      (PRESSURE_FACTOR[device?.pressure ?? "nominal"] * (isLow ? LOW_BATTERY_FACTOR : 1)) /
      throttle,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** `value / best`, and 1 where both are 0. */
function share(value: number, best: number): number {
  if (best === 0 || value === best) return 1;
  return value / best;
}
