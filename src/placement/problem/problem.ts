/**
 * The placement problem as data: what `npm run place` reads, one JSON object a
 * line, and what the coordinator builds from its measurements.
 *
 * Times are milliseconds for one token (or one chunk of prompt, for `prefill`),
 * sizes are bytes, layer ranges are half-open. Knows nothing of rooms, of how a
 * number was measured, or of how the problem is solved.
 */
import { z } from "zod";

const Milliseconds = z.number().min(0);
const Bytes = z.number().min(0);
/** Typed as a room's member id; in a file of problems it may be any string. */
const Id = z.string().min(1).brand<"MemberId">();

export const LayerRange = z
  .object({ first: z.int().min(0), end: z.int().min(1) })
  .refine(({ first, end }) => first < end, "first must be below end");
export type LayerRange = z.infer<typeof LayerRange>;

/** How much each objective counts; they are summed in milliseconds. */
export const ObjectiveWeights = z
  .object({
    latency: z.number().min(0).default(0),
    throughput: z.number().min(0).default(0),
    prefill: z.number().min(0).default(0),
  })
  .refine((mix) => mix.latency + mix.throughput + mix.prefill > 0, "a weight must be above 0");
export type ObjectiveWeights = z.infer<typeof ObjectiveWeights>;

export const Objective = z.union([z.enum(["latency", "throughput", "prefill"]), ObjectiveWeights]);
export type Objective = z.infer<typeof Objective>;

export const ProblemLayer = z.object({
  weightBytes: Bytes,
  /** For the context and the number of generations asked for. */
  kvBytes: Bytes,
  /** The largest single tensor slice; the whole layer where it is not told. */
  bindingBytes: Bytes.optional(),
});

export const ProblemModel = z.object({
  layers: z.array(ProblemLayer).min(1),
  embedBytes: Bytes,
  headBytes: Bytes,
  /** The head uses the embedding's bytes: a member that is first and last holds them once. */
  tied: z.boolean(),
  /** Bytes of one token's hidden state on the wire. */
  hiddenBytes: Bytes,
  embedBindingBytes: Bytes.optional(),
  headBindingBytes: Bytes.optional(),
  /** Tokens in a chunk of prompt, for `prefill`: it carries so many times the hidden bytes. */
  prefillTokens: z.int().min(1).optional(),
});
export type ProblemModel = z.infer<typeof ProblemModel>;

export const ProblemMember = z.object({
  id: Id,
  memoryBytes: Bytes,
  /** Fixed cost of taking part once a lap. */
  stageMs: Milliseconds,
  layerMs: z.array(Milliseconds),
  embedMs: Milliseconds,
  headMs: Milliseconds,
  maxBindingBytes: Bytes.optional(),
  excluded: z.boolean().optional(),
  /** Exactly these layers; or `true`: takes part, with whatever layers. */
  pinned: z.union([LayerRange, z.literal(true)]).optional(),
  /** A layer's time for a chunk of prompt; `layerMs` where it is not told. */
  prefillLayerMs: z.array(Milliseconds).optional(),
  /** What a soft constraint charges for taking part; no time that a clock would show. */
  penaltyMs: Milliseconds.optional(),
  /** Layers whose bytes the member holds already: kept at equal cost. */
  held: LayerRange.optional(),
});
export type ProblemMember = z.infer<typeof ProblemMember>;

export const ProblemLink = z.object({
  from: Id,
  to: Id,
  /** One way: half the measured round trip. */
  latencyMs: Milliseconds,
  bytesPerMs: z.number().positive(),
});
export type ProblemLink = z.infer<typeof ProblemLink>;

const ProblemShape = z.object({
  name: z.string(),
  objective: Objective.default("latency"),
  model: ProblemModel,
  members: z.array(ProblemMember).min(1),
  links: z.array(ProblemLink),
  maxStages: z.int().min(1).optional(),
  /** The slowest answer that is worth having: a floor on predicted speed. */
  maxCostMs: z.number().positive().optional(),
  /** What loading one byte that a member does not hold adds to the cost of a token. */
  loadMsPerByte: z.number().min(0).optional(),
});
export type Problem = z.infer<typeof ProblemShape>;

type Report = (path: (string | number)[], message: string) => void;

/** A problem whose parts agree with each other: lengths, ids, ranges. */
export const Problem = ProblemShape.superRefine((problem, context) => {
  const complain: Report = (path, message) => context.addIssue({ code: "custom", path, message });
  checkMembers(problem, complain);
  checkLinks(problem, complain);
});

function checkMembers({ members, model }: Problem, complain: Report): void {
  const count = model.layers.length;
  const seen = new Set<string>();
  const pinnedBy = new Map<number, string>();
  members.forEach((member, index) => {
    if (seen.has(member.id)) complain(["members", index, "id"], `"${member.id}" is there twice`);
    seen.add(member.id);
    for (const field of ["layerMs", "prefillLayerMs"] as const) {
      const times = member[field];
      if (times !== undefined && times.length !== count)
        complain(
          ["members", index, field],
          `has ${times.length} numbers, but the model has ${count} layers`,
        );
    }
    for (const field of ["pinned", "held"] as const) {
      const range = member[field];
      if (typeof range === "object" && range.end > count)
        complain(["members", index, field, "end"], `is beyond the model's ${count} layers`);
    }
    if (typeof member.pinned !== "object") return;
    if (member.excluded === true)
      complain(["members", index, "pinned"], "a member cannot be both excluded and pinned");
    for (let layer = member.pinned.first; layer < Math.min(member.pinned.end, count); layer++) {
      const other = pinnedBy.get(layer);
      if (other !== undefined) {
        complain(["members", index, "pinned"], `layer ${layer} is pinned to "${other}" too`);
        break;
      }
      pinnedBy.set(layer, member.id);
    }
  });
}

function checkLinks({ members, links }: Problem, complain: Report): void {
  const ids = new Set(members.map((member) => member.id));
  const seen = new Set<string>();
  links.forEach((link, index) => {
    for (const end of ["from", "to"] as const)
      if (!ids.has(link[end]))
        complain(["links", index, end], `names "${link[end]}", which is no member`);
    if (link.from === link.to) complain(["links", index, "to"], "a link needs two members");
    const pair = JSON.stringify([link.from, link.to]);
    if (seen.has(pair))
      complain(["links", index], `a second link from "${link.from}" to "${link.to}"`);
    seen.add(pair);
  });
}
