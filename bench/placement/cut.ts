/** A smaller problem of the same kind, for oracles that are slow in layers. */
import type { Problem } from "../../src/placement/index.ts";

/** The first `layers` layers, with memory shrunk alike. */
export function cut(problem: Problem, layers: number): Problem {
  const share = (layers / problem.model.layers.length) * 1.1;
  const { embedBytes, headBytes } = problem.model;
  return {
    ...problem,
    name: `${problem.name}-cut`,
    model: {
      ...problem.model,
      layers: problem.model.layers.slice(0, layers),
      embedBytes: Math.round(embedBytes * share),
      headBytes: Math.round(headBytes * share),
    },
    members: problem.members.map((member) => ({
      ...member,
      memoryBytes: Math.round(member.memoryBytes * share),
      layerMs: member.layerMs.slice(0, layers),
    })),
  };
}
