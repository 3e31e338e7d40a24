/**
 * Why no placement exists, and what would change that. `isImpossible` has the proofs that need no
 * search; `explainInfeasible` is called for a problem that is proven infeasible.
 */
import type { ConstraintName, MemberId, Remedy } from "../../shared/index.ts";
import type { InfeasibleAnswer } from "../problem/answer.ts";
import { CONSTRAINTS } from "../problem/constraints.ts";
import { largestShards } from "./domains.ts";
import { buildInstance, type Instance } from "./instance.ts";
import type { Problem } from "../problem/problem.ts";

/**
 * The answer for an infeasible instance. Memory binds if bytes are missing; otherwise the first
 * constraint without which `findsPlan` finds a plan.
 */
export function explainInfeasible(
  inst: Instance,
  findsPlan: (inst: Instance) => boolean,
): InfeasibleAnswer {
  const { problem } = inst;
  const short = missingBytes(problem);
  const helping = LIFTS.flatMap(({ name, remedyOf }) => {
    const remedy = remedyOf(problem);
    const lifted = CONSTRAINTS.find((constraint) => constraint.name === name)?.lift?.(problem, 0);
    const helps = remedy !== null && lifted !== undefined && findsPlan(buildInstance(lifted));
    return helps ? [{ name, remedy }] : [];
  });
  const binds = short > 0 ? "memory" : (helping[0]?.name ?? "memory");
  // Memory that is too small for a whole layer counts in the remedies, not in what is short.
  const left = smallestShortage(inst);
  const shortBytes = binds === "memory" ? (short > 0 ? short : left) : 0;
  return {
    kind: "infeasible",
    name: problem.name,
    binds,
    shortBytes,
    remedies: [
      ...(binds === "memory" ? memoryRemedies(problem, Math.max(shortBytes, left)) : []),
      ...helping.map(({ remedy }) => remedy),
    ],
    elapsedMs: 0,
  };
}

type Lift = {
  readonly name: ConstraintName;
  /** What would lift the constraint; null if nothing in the problem is subject to it. */
  readonly remedyOf: (problem: Problem) => Remedy | null;
};

/** In the order in which a constraint is named as binding. Memory has several remedies of its own. */
const LIFTS: readonly Lift[] = [
  { name: "reachable", remedyOf: missingLinks },
  {
    name: "maxStages",
    remedyOf: ({ maxStages }) =>
      maxStages === undefined ? null : { kind: "raise_max_stages", maxStages },
  },
  {
    name: "pinned",
    remedyOf: ({ members }) => {
      const pinned = members.filter((member) => member.pinned !== undefined);
      return pinned.length === 0 ? null : { kind: "unpin", members: pinned.map(({ id }) => id) };
    },
  },
  {
    name: "binding",
    remedyOf: ({ members }) =>
      members.some((member) => member.maxBindingBytes !== undefined)
        ? { kind: "larger_bindings" }
        : null,
  },
  {
    name: "excluded",
    remedyOf: ({ members }) => {
      const excluded = members.filter((member) => member.excluded === true);
      return excluded.length === 0
        ? null
        : { kind: "include", members: excluded.map(({ id }) => id) };
    },
  },
];

/** A large room may lack a million links. */
const MAX_LINKS_NAMED = 4;

function missingLinks({ links, members }: Problem): Remedy | null {
  const known = new Set(links.map((link) => JSON.stringify([link.from, link.to])));
  const named: { from: MemberId; to: MemberId }[] = [];
  let missing = 0;
  for (const from of members)
    for (const to of members) {
      if (from === to || known.has(JSON.stringify([from.id, to.id]))) continue;
      if (missing++ < MAX_LINKS_NAMED) named.push({ from: from.id, to: to.id });
    }
  return missing === 0 ? null : { kind: "add_links", links: named, missing };
}

/** Bytes that all usable members together lack for one copy of the model; at most 0 when none. */
function missingBytes({ model, members }: Problem): number {
  const usable = members.filter((member) => member.excluded !== true);
  const layers = model.layers.reduce((sum, layer) => sum + layer.weightBytes + layer.kvBytes, 0);
  const ends = model.embedBytes + model.headBytes;
  const together = usable.reduce((sum, member) => sum + member.memoryBytes, 0);
  const largest = usable.reduce((most, member) => Math.max(most, member.memoryBytes), 0);
  const alone =
    layers + (model.tied ? Math.max(model.embedBytes, model.headBytes) : ends) - largest;
  return usable.length < 2 ? alone : Math.min(alone, layers + ends - together);
}

/** Bytes of the layers left over when every member holds its largest shard; at least one layer. */
function smallestShortage(inst: Instance): number {
  const { layers } = inst.problem.model;
  const held = largestShards(inst).reduce((sum, count) => sum + count, 0);
  const sizes = layers.map((layer) => layer.weightBytes + layer.kvBytes);
  sizes.sort((left, right) => left - right);
  const left = Math.max(1, layers.length - held);
  return sizes.slice(0, left).reduce((sum, bytes) => sum + bytes, 0);
}

/** The smallest changes to members or model that make up for missing bytes. */
function memoryRemedies({ model }: Problem, shortBytes: number): Remedy[] {
  const weights =
    model.layers.reduce((sum, layer) => sum + layer.weightBytes, 0) +
    model.embedBytes +
    model.headBytes;
  const cache = model.layers.reduce((sum, layer) => sum + layer.kvBytes, 0);
  const layer = Math.max(...model.layers.map((each) => each.weightBytes + each.kvBytes));
  const remedies: Remedy[] = [
    { kind: "add_member", freeBytes: Math.ceil(shortBytes / layer) * layer },
  ];
  if (shortBytes < weights)
    remedies.push({ kind: "shrink_weights", byFraction: shortBytes / weights });
  if (shortBytes < cache) remedies.push({ kind: "shrink_cache", byFraction: shortBytes / cache });
  return remedies;
}

/** Whether a cheap proof, without search, shows that nothing fits. */
export function isImpossible(inst: Instance): boolean {
  const { layerCount, reach } = inst;
  const required = count(inst.required);
  if (required <= 1 && inst.single.includes(1)) return false;
  const canHold = new Uint8Array(layerCount);
  reach.forEach((end, index) => {
    const layer = index % (layerCount + 1);
    if (end > layer) canHold[layer] = 1;
  });
  return (
    inst.firstEnd.every((end) => end === 0) ||
    inst.lastStart.every((start) => start === layerCount) ||
    count(largestShards(inst)) < layerCount ||
    canHold.includes(0) ||
    required > inst.maxStages
  );
}

function count(values: Float64Array | Uint8Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
