/** Bounds never exceed the optimum, and path memory only raises them. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { generate } from "../../tools/placement/generate.ts";
import { PathBundle } from "../../src/placement/solver/path-bundle.ts";
import { buildInstance, type Instance } from "../../src/placement/solver/instance.ts";
import { type Neighborhoods, pathStates } from "../../src/placement/solver/path-states.ts";
import { siteNeighborhoods } from "../../src/placement/solver/sites.ts";
import {
  boundOf,
  cheapestFirst,
  ascend,
  createMultipliers,
  evaluateMultipliers,
} from "../../src/placement/solver/multipliers.ts";
import { createRelaxation } from "../../src/placement/solver/relaxation.ts";
import { splitOrder } from "../../src/placement/solver/layer-split.ts";
import { smallProblem } from "./small-problems.ts";

const never = () => false;
const everyone = ({ memberCount }: Instance) => Array.from({ length: memberCount }, (_, d) => d);

/** The lowest cost of all orders of two or more members that start with `order`. */
function leastFrom(inst: Instance, order: readonly number[]): number {
  let least = order.length > 1 ? splitOrder(inst, order).cost : Infinity;
  for (let d = 0; d < inst.memberCount; d++)
    if (!order.includes(d)) least = Math.min(least, leastFrom(inst, [...order, d]));
  return least;
}

/** The bound for some multipliers, with these neighborhoods. */
function boundAt(inst: Instance, near: Neighborhoods, price: number[], firsts: number[]): number {
  const relaxation = createRelaxation(inst, pathStates(inst, near));
  const prices = createMultipliers(inst.memberCount);
  for (let d = 0; d < inst.memberCount; d++) {
    prices.visit[d] = prices.charge[d] = price[d]!;
    prices.returnTo[d] = price[inst.memberCount - 1 - d]! / 2;
  }
  expect(evaluateMultipliers(relaxation, prices, firsts, never)).toBe(true);
  const first = cheapestFirst(relaxation, prices);
  return first < 0 ? Infinity : boundOf(relaxation, prices, first);
}

test("for any multipliers and neighborhoods, the bound is at most the optimum; memory only raises it", () => {
  const bits = fc.array(fc.boolean(), { minLength: 16, maxLength: 16 });
  const fours = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(
      smallProblem({ plain: true }),
      bits,
      fours,
      fc.nat(),
      (problem, bit, price, which) => {
        const inst = buildInstance(problem);
        if (inst.memberCount < 2 || inst.throughputWeight > 0) return;
        const all = everyone(inst);
        const near = all.map((d) => all.filter((e) => e !== d && bit[4 * d + e]!));
        const [forgetting, remembering] = [all.map(() => []), near].map((sets) =>
          boundAt(inst, sets, price, all),
        );
        const optimum = Math.min(...all.map((first) => leastFrom(inst, [first])));
        expect(forgetting!).toBeLessThanOrEqual(remembering! + 1e-9);
        if (optimum < Infinity) expect(remembering!).toBeLessThanOrEqual(optimum + 1e-9);
        const first = which % inst.memberCount;
        const alone = boundAt(inst, near, price, [first]);
        const ofFirst = leastFrom(inst, [first]);
        if (ofFirst < Infinity) expect(alone).toBeLessThanOrEqual(ofFirst + 1e-9);
      },
    ),
    { numRuns: 300 },
  );
});

test("the ascent closes the gap of a lab, where single subgradient steps stayed 7 % below", () => {
  const inst = buildInstance(generate("lab", 10, 5001));
  const prices = createMultipliers(inst.memberCount);
  const target = () => 191.3712;
  ascend(createRelaxation(inst), prices, everyone(inst), {
    steps: 120,
    target,
    aim: undefined,
    isLate: never,
    onElementaryPath: () => undefined,
  });
  expect(prices.bound).toBeGreaterThan(0.995 * target());
  expect(prices.bound).toBeLessThanOrEqual(target() + 1e-3);
});

test("a neighborhood has the members of the same site with the highest multipliers", () => {
  const inst = buildInstance(generate("home", 5, 1));
  const sites = [[0, 1, 2, 3], [4]];
  const multiplier = Float64Array.of(1, 4, 2, 3, 9);
  expect(siteNeighborhoods(inst, sites, multiplier, 2)).toEqual([
    [1, 3],
    [3, 2],
    [1, 3],
    [1, 2],
    [],
  ]);
});

test("a projection goes to the nearest point that all paths allow", () => {
  // x + 1 >= 3 and y >= 1 from the origin: (2, 1).
  const cuts = new PathBundle(2);
  const origin = new Float64Array(2);
  const signed = Uint8Array.of(1, 1);
  cuts.add(Float64Array.of(1, 0), 1, origin, origin);
  cuts.add(Float64Array.of(0, 1), 2, origin, origin);
  const x = new Float64Array(2);
  cuts.project(x, 3, 1, signed);
  expect([...x]).toEqual([2, 1]);
  expect(cuts.add(Float64Array.of(0, 0), 1, origin, origin)).toBe(false);
});
