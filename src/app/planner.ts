/** stopgap */
import type { Planner } from "../cluster/parts.ts";
import { placeGreedy } from "../placement/greedy.ts";
import { solve } from "../placement/solve.ts";

export function openPlanner(_onWarning: (message: string) => void): Planner & { end(): void } {
  return {
    problem: (state, model) => ({
      name: model.name,
      objective: "latency",
      model: {
        layers: model.layers.map(({ weightBytes, kvBytesPerToken }) => ({
          weightBytes,
          kvBytes: kvBytesPerToken * state.settings.contextTokens * state.settings.generationSlots,
        })),
        embedBytes: model.embedBytes,
        headBytes: model.headBytes,
        tied: model.tied,
        hiddenBytes: model.hidden * 4,
      },
      members: state.members
        .filter((m) => m.adapter !== null && m.measurements !== null)
        .map(({ id, measurements, use }) => ({
          id,
          memoryBytes: measurements!.memoryBudgetBytes,
          stageMs: 10 * measurements!.dispatchMs + measurements!.readbackMs,
          layerMs: model.layers.map(
            ({ macs }) => macs / measurements!.matVecMacsPerMs + 7 * measurements!.dispatchMs,
          ),
          embedMs: measurements!.dispatchMs,
          headMs: model.headMacs / measurements!.matVecMacsPerMs,
          excluded: use === "exclude",
        })),
      links: state.links.map(({ from, to, roundTripMs, bytesPerMs }) => ({
        from,
        to,
        latencyMs: roundTripMs / 2,
        bytesPerMs,
      })),
    }),
    greedy: placeGreedy,
    solve: (problem, { deadlineMs }) =>
      Promise.resolve(solve(problem, { deadlineMs, now: () => performance.now() })),
    end: () => undefined,
  };
}
