/** The neighbors of an order, for local search. */
import type { Instance } from "./instance.ts";

/** The longest run of stages that is moved as a whole. */
const MAX_RUN = 3;

type Order = readonly number[];

/** The current order with the stages `[keep, resume)` replaced by `middle`. */
export type Candidate = {
  readonly keep: number;
  readonly middle: Order;
  readonly resume: number;
};

/** One stage less. */
export function* drops({ required }: Instance, order: Order): Iterable<Candidate> {
  if (order.length <= 2) return;
  for (const [index, member] of order.entries())
    if (required[member] !== 1) yield { keep: index, middle: [], resume: index + 1 };
}

/** One member replaced by one that has no stage. */
export function* replacements(inst: Instance, order: Order): Iterable<Candidate> {
  for (const outsider of outsiders(inst, order))
    for (const [index, member] of order.entries())
      if (inst.required[member] !== 1) yield { keep: index, middle: [outsider], resume: index + 1 };
}

/** One more stage. */
export function* insertions(inst: Instance, order: Order): Iterable<Candidate> {
  if (order.length >= inst.maxStages) return;
  for (const outsider of outsiders(inst, order))
    for (let index = 0; index <= order.length; index++)
      yield { keep: index, middle: [outsider], resume: index };
}

function* outsiders({ memberCount }: Instance, order: Order): Iterable<number> {
  const inside = new Set(order);
  for (let member = 0; member < memberCount; member++) if (!inside.has(member)) yield member;
}

/**
 * The same members in another order with shorter hops, the shortest first: a run of stages reversed, or
 * two adjacent runs exchanged. Empty when time ran out.
 */
export function reorders(inst: Instance, order: Order, isLate: () => boolean): Candidate[] {
  const { memberCount, hop, close, embed, head } = inst;
  const count = order.length;
  const hopMs = (from: number, to: number) => hop[order[from]! * memberCount + order[to]!]!;
  /** The hops from before the stages `[at, until)` to after them, if they start and end with these. */
  const endsMs = (at: number, until: number, start: number, end: number) => {
    const into = at > 0 ? hopMs(at - 1, start) : embed[order[start]!]!;
    const out = until < count ? hopMs(end, until) : head[order[end]!]!;
    const first = order[at > 0 ? 0 : start]!;
    const last = order[until < count ? count - 1 : end]!;
    return into + out + close[last * memberCount + first]!;
  };
  const found: { candidate: Candidate; ms: number }[] = [];
  const consider = (ms: number, keep: number, resume: number, middle: () => Order) => {
    if (ms < -1e-12) found.push({ candidate: { keep, middle: middle(), resume }, ms });
  };
  for (let at = 0; at < count - 1; at++) {
    if (isLate()) return [];
    let turnedMs = 0;
    for (let last = at + 1; last < count; last++) {
      const resume = last + 1;
      const oldMs = endsMs(at, resume, at, last);
      turnedMs += hopMs(last, last - 1) - hopMs(last - 1, last);
      consider(endsMs(at, resume, last, at) - oldMs + turnedMs, at, resume, () =>
        order.slice(at, resume).reverse(),
      );
      for (let split = at + 1; split <= last; split++) {
        if (split - at > MAX_RUN && resume - split > MAX_RUN) continue;
        const innerMs = hopMs(last, at) - hopMs(split - 1, split);
        consider(endsMs(at, resume, split, split - 1) - oldMs + innerMs, at, resume, () => [
          ...order.slice(split, resume),
          ...order.slice(at, split),
        ]);
      }
    }
  }
  return found.sort((left, right) => left.ms - right.ms).map(({ candidate }) => candidate);
}
