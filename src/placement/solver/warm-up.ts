/**
 * Cold code is 2 to 5 times slower: a few synthetic problems before the first real one let the JIT
 * compile the loops. The answers are discarded.
 */
import { MemberId } from "../../shared/index.ts";
import type { Problem } from "../problem/problem.ts";
import { solve } from "./solve.ts";

/** Long enough to compile, too short to notice. */
const WARM_UP_MS = 60;
const SIZES = [4, 8, 12, 14];

/** Solves synthetic problems of increasing size; takes about a quarter of a second. */
export function warmUp(now: () => number): void {
  for (const size of SIZES) solve(syntheticProblem(size), { deadlineMs: WARM_UP_MS, now });
  solve(
    { ...syntheticProblem(SIZES[0] ?? 4), objective: "throughput" },
    { deadlineMs: WARM_UP_MS, now },
  );
}

function syntheticProblem(size: number): Problem {
  const layers = 40;
  const ids = Array.from({ length: size }, (_, index) => MemberId.parse(`warm-${index}`));
  return {
    name: "warm-up",
    objective: "latency",
    model: {
      layers: Array.from({ length: layers }, () => ({ weightBytes: 100, kvBytes: 10 })),
      embedBytes: 200,
      headBytes: 200,
      tied: true,
      hiddenBytes: 4096,
    },
    members: ids.map((id, index) => ({
      id,
      memoryBytes: (layers * 110 * (1.2 + ((index * 7) % 5) / 4)) / size + 300,
      stageMs: 1 + ((index * 5) % 3),
      layerMs: Array.from({ length: layers }, () => 1 + ((index * 11) % 7)),
      embedMs: 0.1,
      headMs: 1,
    })),
    links: ids.flatMap((from, at) =>
      ids.flatMap((to, later) =>
        at === later
          ? []
          : [{ from, to, latencyMs: 1 + ((at * 13 + later * 29) % 17), bytesPerMs: 5000 }],
      ),
    ),
  };
}
