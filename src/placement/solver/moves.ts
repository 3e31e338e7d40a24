/** The neighbors of an order, for local search. */
import type { Instance } from "./instance.ts";

/** The longest run of stages that is moved as a whole. */
const MAX_RUN = 3;

type Order = readonly number[];

/** The current order with the stages `[keep, resume)` replaced by `middle`. */
export type Candidate = {
  readonly keep: number;
  readonly middle: readonly number[];
  readonly resume: number;
};

/** One stage less. */
export function* drops(inst: Instance, order: Order): Iterable<Candidate> {
  const length = order.length;
  if (length <= 2) return;
  for (let index = 0; index < length; index++)
    if (inst.required[order[index]!] !== 1) yield { keep: index, middle: [], resume: index + 1 };
}

function* outsiders(inst: Instance, order: Order): Iterable<number> {
  const inside = new Set(order);
  for (let member = 0; member < inst.memberCount; member++) if (!inside.has(member)) yield member;
}

/** One member replaced by one that has no stage. */
export function* replacements(inst: Instance, order: Order): Iterable<Candidate> {
  const length = order.length;
  for (const member of outsiders(inst, order))
    for (let index = 0; index < length; index++)
      if (inst.required[order[index]!] !== 1)
        yield { keep: index, middle: [member], resume: index + 1 };
}

/** One more stage. */
export function* insertions(inst: Instance, order: Order): Iterable<Candidate> {
  const length = order.length;
  if (length >= inst.maxStages) return;
  for (const member of outsiders(inst, order))
    for (let index = 0; index <= length; index++)
      yield { keep: index, middle: [member], resume: index };
}

/**
 * The same members in another order with shorter hops: a run of stages reversed, or two adjacent runs
 * exchanged. Empty when time ran out.
 */
export function reorders(
  inst: Instance,
  order: Order,
  isLate: () => boolean,
): (Candidate & { readonly hopMs: number })[] {
  const found: (Candidate & { readonly hopMs: number })[] = [];
  const { memberCount, hop, close } = inst;
  const edge = (from: number, to: number) => edgeCost(inst, from, to);
  const count = order.length;
  const maxHopMs = close[order[count - 1]! * memberCount + order[0]!]! - 1e-12;
  const back = new Float64Array(count);
  const forth = new Float64Array(count);
  for (let index = 1; index < count; index++) {
    forth[index] = forth[index - 1]! + hop[order[index - 1]! * memberCount + order[index]!]!;
    back[index] = back[index - 1]! + hop[order[index]! * memberCount + order[index - 1]!]!;
  }
  for (let at = 0; at < count - 1; at++) {
    if (isLate()) return [];
    for (let later = at + 1; later < count; later++) {
      const before = at > 0 ? order[at - 1]! : -1;
      const after = later < count - 1 ? order[later + 1]! : -1;
      const [firstMoved, lastMoved] = [order[at]!, order[later]!];
      const old = edge(before, firstMoved) + edge(lastMoved, after);
      /** The change in hops, for the run's new ends and the new hops within it. */
      const changedHops = (start: number, end: number, inner: number) => {
        const first = at > 0 ? order[0]! : start;
        const last = later < count - 1 ? order[count - 1]! : end;
        const ends = edge(before, start) + edge(end, after) - old;
        return ends + inner + close[last * memberCount + first]!;
      };
      const resume = later + 1;
      let hopMs = changedHops(
        lastMoved,
        firstMoved,
        back[later]! - back[at]! - forth[later]! + forth[at]!,
      );
      if (hopMs < maxHopMs)
        found.push({ keep: at, middle: order.slice(at, resume).reverse(), resume, hopMs });
      const length = resume - at;
      for (let run = 1; run < length; run++) {
        if (run > MAX_RUN && run < length - MAX_RUN) continue;
        const [lastOfRun, next] = [order[at + run - 1]!, order[at + run]!];
        hopMs = changedHops(next, lastOfRun, edge(lastMoved, firstMoved) - edge(lastOfRun, next));
        if (hopMs >= maxHopMs) continue;
        const middle = [...order.slice(at + run, resume), ...order.slice(at, at + run)];
        found.push({ keep: at, middle, resume, hopMs });
      }
    }
  }
  return found;
}

/** The cost of a hop; -1 stands for the start and the end of the pipeline. */
function edgeCost({ memberCount, hop, embed, head }: Instance, from: number, to: number): number {
  return from < 0 ? embed[to]! : to < 0 ? head[from]! : hop[from * memberCount + to]!;
}
