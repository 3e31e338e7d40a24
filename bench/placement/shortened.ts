/** A problem with fewer layers, for oracles whose time grows with the layers. */
import type { Problem } from "../../src/placement/index.ts";

/** The first `layers` layers, with memory reduced in proportion. */
export function shortened(problem: Problem, layers: number): Problem {
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
