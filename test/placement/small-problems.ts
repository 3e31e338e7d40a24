/**
 * Small problems for fast-check: integers, so that ties are common; few layers, for brute force; every
 * kind of constraint at times.
 */
import fc from "fast-check";
import type { Problem } from "../../src/placement/problem/problem.ts";
import { MemberId } from "../../src/shared/ids.ts";

const OBJECTIVES: Problem["objective"][] = [
  "latency",
  "latency",
  "latency",
  "throughput",
  "prefill",
  { latency: 0.7, throughput: 0.3, prefill: 0 },
  { latency: 0.2, throughput: 1, prefill: 0.5 },
];

type Options = { readonly members?: number; readonly layers?: number; readonly plain?: boolean };

/** With `plain`, no pins and no limits: the monotonic properties hold for these. */
export function smallProblem({ members = 4, layers = 7, plain = false }: Options = {}) {
  return fc
    .record({ n: fc.integer({ min: 1, max: members }), L: fc.integer({ min: 1, max: layers }) })
    .chain(({ n, L }) =>
      fc.record({
        layers: fc.array(
          fc.record({
            weightBytes: fc.integer({ min: 1, max: 6 }),
            kvBytes: fc.integer({ min: 0, max: 2 }),
          }),
          { minLength: L, maxLength: L },
        ),
        embedBytes: fc.integer({ min: 0, max: 6 }),
        headBytes: fc.integer({ min: 0, max: 6 }),
        tied: fc.boolean(),
        prefillTokens: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
        machines: fc.array(
          fc.record({
            memoryBytes: fc.integer({ min: 2, max: 40 }),
            stageMs: fc.integer({ min: 0, max: 4 }),
            aloneMs: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined, freq: 2 }),
            speed: fc.integer({ min: 1, max: 6 }),
            uneven: fc.boolean(),
            embedMs: fc.integer({ min: 0, max: 3 }),
            headMs: fc.integer({ min: 0, max: 5 }),
            maxBindingBytes: fc.option(fc.integer({ min: 3, max: 8 }), { nil: undefined, freq: 6 }),
            excluded: fc.option(fc.boolean(), { nil: undefined, freq: 2 }),
            pin: fc.option(fc.tuple(fc.nat(), fc.nat()), { nil: undefined, freq: 8 }),
            required: fc.integer({ min: 0, max: 9 }),
            penaltyMs: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined, freq: 5 }),
            held: fc.option(fc.tuple(fc.nat(), fc.nat()), { nil: undefined, freq: 3 }),
          }),
          { minLength: n, maxLength: n },
        ),
        links: fc.array(
          fc.record({
            latencyMs: fc.integer({ min: 0, max: 12 }),
            bytesPerMs: fc.integer({ min: 1, max: 8 }),
            isThere: fc.integer({ min: 0, max: 7 }),
          }),
          { minLength: n * n, maxLength: n * n },
        ),
        maxStages: fc.option(fc.integer({ min: 1, max: n }), { nil: undefined, freq: 3 }),
        loadMsPerByte: fc.option(fc.constantFrom(0.5, 2), { nil: undefined, freq: 3 }),
        objective: fc.constantFrom(...OBJECTIVES),
      }),
    )
    .map(
      ({
        layers: shapes,
        machines,
        links,
        maxStages,
        loadMsPerByte,
        objective,
        ...model
      }): Problem => {
        const L = shapes.length;
        const n = machines.length;
        const rangeOf = ([a, b]: [number, number]) => {
          const first = a % L;
          return { first, end: first + 1 + (b % (L - first)) };
        };
        const { prefillTokens, ...rest } = model;
        const taken = new Set<number>();
        return {
          name: "small",
          objective,
          model: {
            ...rest,
            layers: shapes,
            hiddenBytes: 8,
            ...(prefillTokens ? { prefillTokens } : {}),
          },
          members: machines.map((machine, index) => {
            const times = shapes.map(
              (_, l) => machine.speed + (machine.uneven ? (l * 7 + index) % 3 : 0),
            );
            const range = machine.pin && !plain ? rangeOf(machine.pin) : null;
            let pinned: Problem["members"][number]["pinned"];
            if (range !== null) {
              const mine = Array.from(
                { length: range.end - range.first },
                (_, i) => range.first + i,
              );
              if (mine.every((l) => !taken.has(l))) {
                for (const l of mine) taken.add(l);
                pinned = range;
              }
            } else if (machine.required === 9 && !plain) pinned = true;
            return {
              id: MemberId.parse(`m${index}`),
              memoryBytes: machine.memoryBytes,
              stageMs: machine.stageMs,
              ...(machine.aloneMs !== undefined ? { aloneMs: machine.aloneMs } : {}),
              layerMs: times,
              embedMs: machine.embedMs,
              headMs: machine.headMs,
              ...(machine.maxBindingBytes !== undefined
                ? { maxBindingBytes: machine.maxBindingBytes }
                : {}),
              ...(pinned !== undefined
                ? { pinned }
                : { excluded: machine.excluded === true && index > 0 }),
              ...(machine.penaltyMs !== undefined ? { penaltyMs: machine.penaltyMs } : {}),
              ...(machine.held ? { held: rangeOf(machine.held) } : {}),
              prefillLayerMs: times.map((ms) => ms * 2 + (index % 2)),
            };
          }),
          links: links.flatMap((link, index) => {
            const [from, to] = [Math.floor(index / n), index % n];
            if (from === to || link.isThere === 0) return [];
            return [
              {
                from: MemberId.parse(`m${from}`),
                to: MemberId.parse(`m${to}`),
                latencyMs: link.latencyMs,
                bytesPerMs: link.bytesPerMs,
              },
            ];
          }),
          ...(maxStages !== undefined && !plain ? { maxStages } : {}),
          ...(loadMsPerByte !== undefined ? { loadMsPerByte } : {}),
        };
      },
    );
}
