/**
 * Why nothing fits, and what would change it. `isImpossible` holds the cheap
 * proofs; whoever has proven it asks `explainInfeasible`.
 */
import type { ConstraintName, InfeasibleAnswer } from "./answer.ts";
import { buildInstance, type Instance } from "./instance.ts";
import type { Problem } from "./problem.ts";

/**
 * The answer for an instance that is known to be infeasible: what binds is missing
 * memory, or else the first constraint without which `findsPlan` finds a plan.
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
  // Memory that whole layers leave unused counts in the advice, not in what is short.
  const left = smallestShortage(inst);
  const shortBytes = binds === "memory" ? (short > 0 ? short : left) : 0;
  return {
    kind: "infeasible",
    name: problem.name,
    binds,
    shortBytes,
    wouldHelp: [
      ...(binds === "memory" ? memoryAdvice(problem, Math.max(shortBytes, left)) : []),
      ...removable
        .filter(({ constraint }) => constraint !== "memory")
        .map(({ advice }) => advice(problem)),
    ],
    elapsedMs: 0,
  };
}

type Relaxation = {
  readonly constraint: ConstraintName;
  readonly applies: (problem: Problem) => boolean;
  readonly relax: (problem: Problem) => Problem;
  readonly advice: (problem: Problem) => string;
};

/** Ideal links between all members; slow ones, since only their existence matters. */
function withAllLinks(problem: Problem): Problem {
  const ids = problem.members.map((member) => member.id);
  const links = ids.flatMap((from) =>
    ids.filter((to) => to !== from).map((to) => ({ from, to, latencyMs: 0, bytesPerMs: 1 })),
  );
  return { ...problem, links };
}

function mapMembers(
  problem: Problem,
  change: (member: Problem["members"][number]) => Partial<Problem["members"][number]>,
): Problem {
  return {
    ...problem,
    members: problem.members.map((member) => ({ ...member, ...change(member) })),
  };
}

function withoutPins(problem: Problem): Problem {
  const members = problem.members.map(({ pinned: _pinned, ...member }) => member);
  return { ...problem, members };
}

const names = (problem: Problem, has: (member: Problem["members"][number]) => boolean): string =>
  problem.members
    .filter(has)
    .map((member) => member.id)
    .join(", ");

/** In the order in which they are named as what binds. */
const RELAXATIONS: readonly Relaxation[] = [
  {
    constraint: "reachable",
    applies: ({ links, members }) => links.length < members.length * (members.length - 1),
    relax: withAllLinks,
    advice: (problem) => `a link: ${missingLinks(problem)}`,
  },
  {
    constraint: "maxStages",
    applies: ({ maxStages }) => maxStages !== undefined,
    relax: ({ maxStages: _, ...problem }) => problem,
    advice: ({ maxStages }) => `more stages than ${maxStages}`,
  },
  {
    constraint: "pinned",
    applies: ({ members }) => members.some((member) => member.pinned !== undefined),
    relax: withoutPins,
    advice: (problem) =>
      `without the pins of ${names(problem, (member) => member.pinned !== undefined)}`,
  },
  {
    constraint: "binding",
    applies: ({ members }) => members.some((member) => member.maxBindingBytes !== undefined),
    relax: (problem) => mapMembers(problem, () => ({ maxBindingBytes: Number.MAX_VALUE })),
    advice: () => "members that can bind a larger buffer, or a file with smaller tensors",
  },
  {
    constraint: "excluded",
    applies: ({ members }) => members.some((member) => member.excluded === true),
    relax: (problem) => mapMembers(problem, () => ({ excluded: false })),
    advice: (problem) =>
      `letting ${names(problem, (member) => member.excluded === true)} take part`,
  },
  {
    constraint: "memory",
    applies: () => true,
    relax: (problem) => mapMembers(problem, () => ({ memoryBytes: Number.MAX_VALUE })),
    advice: () => "",
  },
];

function missingLinks({ links, members }: Problem): string {
  const there = new Set(links.map((link) => JSON.stringify([link.from, link.to])));
  const missing: string[] = [];
  for (const from of members)
    for (const to of members)
      if (from !== to && !there.has(JSON.stringify([from.id, to.id])))
        missing.push(`${from.id} to ${to.id}`);
  const shown = missing.slice(0, 4).join(", ");
  return missing.length > 4 ? `${shown} or ${missing.length - 4} more` : shown;
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

/** Bytes of the layers that are left when every member holds its largest shard; at least one layer. */
function smallestShortage({ problem, n, L, reach }: Instance): number {
  let held = 0;
  for (let d = 0; d < n; d++) {
    let longest = 0;
    for (let l = 0; l < L; l++) longest = Math.max(longest, reach[d * (L + 1) + l]! - l);
    held += longest;
  }
  const sizes = problem.model.layers.map((layer) => layer.weightBytes + layer.kvBytes);
  sizes.sort((a, b) => a - b);
  return sizes.slice(0, Math.max(1, L - held)).reduce((sum, bytes) => sum + bytes, 0);
}

const GIBIBYTE = 2 ** 30;

/** The smallest changes to members or model that make up for missing bytes. */
function memoryAdvice({ model }: Problem, shortBytes: number): string[] {
  const weights =
    model.layers.reduce((sum, layer) => sum + layer.weightBytes, 0) +
    model.embedBytes +
    model.headBytes;
  const cache = model.layers.reduce((sum, layer) => sum + layer.kvBytes, 0);
  const layer = Math.max(...model.layers.map((each) => each.weightBytes + each.kvBytes));
  const whole = Math.ceil(shortBytes / layer) * layer;
  const advice = [`one more member with ${inGibibytes(whole)} free`];
  if (shortBytes < weights)
    advice.push(`a file with ${Math.ceil((shortBytes / weights) * 100)} % fewer bytes of weights`);
  if (shortBytes < cache)
    advice.push(
      `a context, or a number of generations, that is ${Math.ceil((shortBytes / cache) * 100)} % smaller`,
    );
  return advice;
}

function inGibibytes(bytes: number): string {
  return `${(Math.ceil((bytes / GIBIBYTE) * 10) / 10).toFixed(1)} GiB`;
}

/** Whether a cheap proof, without search, shows that nothing fits. */
export function isImpossible(inst: Instance): boolean {
  const { n, L, reach, minEnd } = inst;
  if (n === 0) return true;
  let canStart = false;
  let canEnd = false;
  let held = 0;
  const holdable = new Uint8Array(L);
  for (let d = 0; d < n; d++) {
    const row = d * (L + 1);
    if (inst.single[d] === 1 && required(inst) <= 1) return false;
    canStart ||= inst.firstEnd[d]! > 0;
    canEnd ||= inst.lastStart[d]! < L;
    let longest = 0;
    for (let l = 0; l < L; l++) {
      if (reach[row + l]! < minEnd[row + l]!) continue;
      longest = Math.max(longest, reach[row + l]! - l);
      holdable[l] = 1;
      if (inst.fixed[d] === 1) holdable.fill(1, l, reach[row + l]);
    }
    held += longest;
  }
  return (
    !canStart || !canEnd || held < L || holdable.includes(0) || required(inst) > inst.maxStages
  );
}

function required(inst: Instance): number {
  let count = 0;
  for (let d = 0; d < inst.n; d++) count += inst.required[d]! + inst.fixed[d]!;
  return count;
}
