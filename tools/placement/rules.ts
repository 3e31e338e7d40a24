/** The rules of other systems, applied to the same problems, for comparison. */
import type { Problem } from "../../src/placement/index.ts";
import { referee, type RefereeStage } from "./check.ts";

export type Rule = {
  readonly name: string;
  /** The stages by the rule, or null if it finds none. */
  readonly place: (problem: Problem) => RefereeStage[] | null;
};

function totalBytes({ model }: Problem): number {
  const layers = model.layers.reduce((sum, layer) => sum + layer.weightBytes + layer.kvBytes, 0);
  return layers + model.embedBytes + model.headBytes;
}

/** exo: the smallest set of machines whose memory suffices, layers in proportion to memory. */
export const proportionalToMemory: Rule = {
  name: "exo",
  place: (problem) => {
    const byMemory = [...problem.members].sort((a, b) => b.memoryBytes - a.memoryBytes);
    const layers = problem.model.layers.length;
    const need = totalBytes(problem);
    let have = 0;
    const chosen = byMemory.filter((member) => {
      if (have >= need) return false;
      have += member.memoryBytes;
      return true;
    });
    let share = 0;
    let first = 0;
    const stages: RefereeStage[] = [];
    for (const member of chosen) {
      share += member.memoryBytes / have;
      const end = Math.round(share * layers);
      if (end > first) stages.push({ member: member.id, first, end });
      first = Math.max(first, end);
    }
    return valid(problem, stages);
  },
};

/** Parallax: machines by bandwidth (here: by the speed of a layer), each filled to its memory. */
export const fillByBandwidth: Rule = {
  name: "parallax",
  place: (problem) => {
    const { model } = problem;
    const layers = model.layers.length;
    const mean = (times: readonly number[]) => times.reduce((sum, ms) => sum + ms, 0);
    const bySpeed = [...problem.members].sort((a, b) => mean(a.layerMs) - mean(b.layerMs));
    const stages: RefereeStage[] = [];
    let first = 0;
    for (const member of bySpeed) {
      let bytes = first === 0 ? model.embedBytes : 0;
      let end = first;
      while (end < layers) {
        const layer = model.layers[end]!;
        const head = end === layers - 1 ? model.headBytes : 0;
        if (bytes + layer.weightBytes + layer.kvBytes + head > member.memoryBytes) break;
        bytes += layer.weightBytes + layer.kvBytes;
        end++;
      }
      if (end > first) stages.push({ member: member.id, first, end });
      first = Math.max(first, end);
      if (first === layers) return valid(problem, stages);
    }
    return null;
  },
};

/** The stages if they are valid. */
function valid(problem: Problem, stages: RefereeStage[]): RefereeStage[] | null {
  return referee(problem, stages).broken.length === 0 ? stages : null;
}
