/**
 * Why no placement exists, and what would change that. `isImpossible` has the proofs that need no
 * search; `explainInfeasible` is called for a problem that is proven infeasible.
 */
import type { MemberId, ConstraintName, Remedy } from "../../shared/index.ts";
import type { InfeasibleAnswer } from "../problem/answer.ts";
import { changeMembers, withoutPins } from "../problem/constraints.ts";
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
  const helps = (changed: Problem) => findsPlan(buildInstance(changed));
  const removable = RELAXATIONS.filter(({ applies }) => applies(problem)).filter(({ relax }) =>
    helps(relax(problem)),
  );
  const first = removable[0];
  const binds: ConstraintName = short > 0 ? "memory" : (first?.constraint ?? "memory");
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
      ...removable.flatMap(({ remedy }) => remedy?.(problem) ?? []),
    ],
    elapsedMs: 0,
  };
}

type Relaxation = {
  readonly constraint: ConstraintName;
  readonly applies: (problem: Problem) => boolean;
  readonly relax: (problem: Problem) => Problem;
  /** Absent for memory, which has several remedies: see `memoryRemedies`. */
  readonly remedy?: (problem: Problem) => Remedy;
};

/** Links between all members; their speed does not matter. */
function withAllLinks(problem: Problem): Problem {
  const ids = problem.members.map((member) => member.id);
  const links = ids.flatMap((from) =>
    ids.filter((to) => to !== from).map((to) => ({ from, to, latencyMs: 0, bytesPerMs: 1 })),
  );
  return { ...problem, links };
}

const idsOf = (
  { members }: Problem,
  has: (member: Problem["members"][number]) => boolean,
): MemberId[] => members.filter(has).map(({ id }) => id);

/** In the order in which a constraint is named as binding. */
const RELAXATIONS: readonly Relaxation[] = [
  {
    constraint: "reachable",
    applies: ({ links, members }) => links.length < members.length * (members.length - 1),
    relax: withAllLinks,
    remedy: missingLinks,
  },
  {
    constraint: "maxStages",
    applies: ({ maxStages }) => maxStages !== undefined,
    relax: ({ maxStages: _, ...problem }) => problem,
    remedy: ({ maxStages = 0 }) => ({ kind: "raise_max_stages", maxStages }),
  },
  {
    constraint: "pinned",
    applies: ({ members }) => members.some((member) => member.pinned !== undefined),
    relax: withoutPins,
    remedy: (problem) => ({
      kind: "unpin",
      members: idsOf(problem, ({ pinned }) => pinned !== undefined),
    }),
  },
  {
    constraint: "binding",
    applies: ({ members }) => members.some((member) => member.maxBindingBytes !== undefined),
    relax: (problem) => changeMembers(problem, { maxBindingBytes: Number.MAX_VALUE }),
    remedy: () => ({ kind: "larger_bindings" }),
  },
  {
    constraint: "excluded",
    applies: ({ members }) => members.some((member) => member.excluded === true),
    relax: (problem) => changeMembers(problem, { excluded: false }),
    remedy: (problem) => ({
      kind: "include",
      members: idsOf(problem, ({ excluded }) => excluded === true),
    }),
  },
  {
    constraint: "memory",
    applies: () => true,
    relax: (problem) => changeMembers(problem, { memoryBytes: Number.MAX_VALUE }),
  },
];

/** A large room may lack a million links. */
const MAX_LINKS_NAMED = 4;

function missingLinks({ links, members }: Problem): Remedy {
  const known = new Set(links.map((link) => JSON.stringify([link.from, link.to])));
  const named: { from: MemberId; to: MemberId }[] = [];
  let missing = 0;
  for (const from of members)
    for (const to of members) {
      if (from === to || known.has(JSON.stringify([from.id, to.id]))) continue;
      if (missing++ < MAX_LINKS_NAMED) named.push({ from: from.id, to: to.id });
    }
  return { kind: "add_links", links: named, missing };
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
function smallestShortage({ problem, memberCount, layerCount, reach }: Instance): number {
  let held = 0;
  for (let member = 0; member < memberCount; member++) {
    let longest = 0;
    for (let start = 0; start < layerCount; start++)
      longest = Math.max(longest, reach[member * (layerCount + 1) + start]! - start);
    held += longest;
  }
  const sizes = problem.model.layers.map((layer) => layer.weightBytes + layer.kvBytes);
  sizes.sort((left, right) => left - right);
  return sizes.slice(0, Math.max(1, layerCount - held)).reduce((sum, bytes) => sum + bytes, 0);
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
  const { memberCount, layerCount, reach, minEnd } = inst;
  if (memberCount === 0) return true;
  let canStart = false;
  let canEnd = false;
  let held = 0;
  const holdable = new Uint8Array(layerCount);
  for (let member = 0; member < memberCount; member++) {
    const row = member * (layerCount + 1);
    if (inst.single[member] === 1 && required(inst) <= 1) return false;
    canStart ||= inst.firstEnd[member]! > 0;
    canEnd ||= inst.lastStart[member]! < layerCount;
    let longest = 0;
    for (let layer = 0; layer < layerCount; layer++) {
      if (reach[row + layer]! < minEnd[row + layer]!) continue;
      longest = Math.max(longest, reach[row + layer]! - layer);
      holdable[layer] = 1;
      if (inst.fixed[member] === 1) holdable.fill(1, layer, reach[row + layer]);
    }
    held += longest;
  }
  return (
    !canStart ||
    !canEnd ||
    held < layerCount ||
    holdable.includes(0) ||
    required(inst) > inst.maxStages
  );
}

function required(inst: Instance): number {
  let count = 0;
  for (let member = 0; member < inst.memberCount; member++)
    count += inst.required[member]! + inst.fixed[member]!;
  return count;
}
