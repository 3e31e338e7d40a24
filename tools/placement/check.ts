/**
 * The referee: the cost of a placement and the constraints it violates, directly from the problem's
 * statement. Shares only types with the solver.
 */
import type { Problem } from "../../src/placement/index.ts";

export type RefereeStage = {
  readonly member: string;
  readonly first: number;
  readonly end: number;
};
export type Verdict = { readonly broken: readonly string[]; readonly costMs: number };

/** The cost of `stages` under the problem's objective, and every constraint that they violate. */
export function referee(problem: Problem, stages: readonly RefereeStage[]): Verdict {
  const broken: string[] = [];
  const layerCount = problem.model.layers.length;
  let covered = 0;
  const used: string[] = [];
  for (const stage of stages) {
    if (stage.first !== covered) broken.push(`gap at layer ${covered}`);
    if (stage.end <= stage.first) broken.push(`${stage.member} is empty`);
    if (used.includes(stage.member)) broken.push(`${stage.member} twice`);
    used.push(stage.member);
    covered = stage.end;
  }
  if (covered !== layerCount) broken.push(`covers ${covered} of ${layerCount}`);
  if (problem.maxStages !== undefined && stages.length > problem.maxStages)
    broken.push("maxStages");
  for (const member of problem.members)
    if (member.pinned !== undefined && !used.includes(member.id))
      broken.push(`${member.id} unpinned`);

  const weights =
    typeof problem.objective === "string"
      ? { latency: 0, throughput: 0, prefill: 0, [problem.objective]: 1 }
      : problem.objective;
  const chunk = problem.model.prefillTokens ?? 1;
  const counts = weights.latency + weights.prefill > 0 ? 1 : 0;
  let latency = 0;
  let prefill = 0;
  let extra = 0;
  let slowest = 0;
  stages.forEach((stage, index) => {
    const member = problem.members.find((each) => each.id === stage.member);
    if (member === undefined) return void broken.push(`${stage.member} is nobody`);
    if (member.excluded === true) broken.push(`${member.id} excluded`);
    const isFirst = index === 0;
    const isLast = index === stages.length - 1;
    let bytes = 0;
    let decodeMs = (stages.length === 1 ? member.aloneMs : undefined) ?? member.stageMs;
    let chunkMs = decodeMs;
    const pieces: number[] = [];
    for (let layer = stage.first; layer < stage.end; layer++) {
      const shape = problem.model.layers[layer]!;
      bytes += shape.weightBytes + shape.kvBytes;
      pieces.push(shape.bindingBytes ?? shape.weightBytes);
      decodeMs += member.layerMs[layer]!;
      chunkMs += (member.prefillLayerMs ?? member.layerMs)[layer]!;
      const isHeld =
        member.held !== undefined && layer >= member.held.first && layer < member.held.end;
      if (!isHeld) extra += (problem.loadMsPerByte ?? 0) * shape.weightBytes;
    }
    const { embedBytes, headBytes } = problem.model;
    if (isFirst) {
      pieces.push(problem.model.embedBindingBytes ?? embedBytes);
      decodeMs += member.embedMs;
      chunkMs += member.embedMs;
    }
    if (isLast) {
      pieces.push(problem.model.headBindingBytes ?? headBytes);
      decodeMs += member.headMs;
      chunkMs += member.headMs;
    }
    if (isFirst && isLast)
      bytes += problem.model.tied ? Math.max(embedBytes, headBytes) : embedBytes + headBytes;
    else if (isFirst) bytes += embedBytes;
    else if (isLast) bytes += headBytes;
    if (bytes > member.memoryBytes) broken.push(`${member.id} memory`);
    if (member.maxBindingBytes !== undefined && Math.max(...pieces) > member.maxBindingBytes)
      broken.push(`${member.id} binding`);
    const pin = member.pinned;
    if (pin !== undefined && pin !== true && (pin.first !== stage.first || pin.end !== stage.end))
      broken.push(`${member.id} pin`);
    latency += decodeMs;
    prefill += chunkMs;
    extra += member.penaltyMs ?? 0;
    slowest = Math.max(slowest, decodeMs);
    if (stages.length === 1) return;
    const next = stages[isLast ? 0 : index + 1]!;
    const link = problem.links.find(
      (each) => each.from === stage.member && each.to === next.member,
    );
    if (link === undefined) return void broken.push(`${stage.member} cannot reach ${next.member}`);
    latency += link.latencyMs;
    prefill += link.latencyMs;
    if (isLast) return;
    const transfer = problem.model.hiddenBytes / link.bytesPerMs;
    latency += transfer;
    prefill += transfer * chunk;
    slowest = Math.max(slowest, transfer);
  });
  const costMs =
    weights.latency * latency +
    weights.prefill * prefill +
    weights.throughput * slowest +
    counts * extra;
  return { broken, costMs };
}
