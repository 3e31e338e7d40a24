/**
 * The placement problem as data: what `npm run place` reads, one JSON object per line, and what the
 * coordinator builds from its measurements.
 *
 * Times are milliseconds for one token (or one chunk of prompt, for `prefill`), sizes are bytes, layer
 * ranges are half-open.
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

/** The weight of each objective; the weighted times are summed. */
export const ObjectiveWeights = z
  .object({
    latency: z.number().min(0).default(0),
    throughput: z.number().min(0).default(0),
    prefill: z.number().min(0).default(0),
  })
  .refine(
    ({ latency, throughput, prefill }) => latency + throughput + prefill > 0,
    "a weight must be above 0",
  );
export type ObjectiveWeights = z.infer<typeof ObjectiveWeights>;

export const Objective = z.union([z.enum(["latency", "throughput", "prefill"]), ObjectiveWeights]);
export type Objective = z.infer<typeof Objective>;

export const ProblemLayer = z.object({
  weightBytes: Bytes,
  /** For the requested context and number of generations. */
  kvBytes: Bytes,
  /** The largest single tensor slice; by default, the whole layer. */
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
  /** Tokens in a chunk of prompt, for `prefill`; a hop carries the hidden bytes of all of them. */
  prefillTokens: z.int().min(1).optional(),
});
export type ProblemModel = z.infer<typeof ProblemModel>;

export const ProblemMember = z.object({
  id: Id,
  memoryBytes: Bytes,
  /** Fixed cost of a stage per lap. */
  stageMs: Milliseconds,
  /** The same of the only stage, which computes the next token while it reads the last one; by default, `stageMs`. */
  aloneMs: Milliseconds.optional(),
  layerMs: z.array(Milliseconds),
  embedMs: Milliseconds,
  headMs: Milliseconds,
  maxBindingBytes: Bytes.optional(),
  excluded: z.boolean().optional(),
  /** The solver gives the member at most so many layers. */
  maxLayers: z.int().min(1).optional(),
  /** Exactly these layers; or `true`: takes part, with any layers. */
  pinned: z.union([LayerRange, z.literal(true)]).optional(),
  /** A layer's time for a chunk of prompt; by default, `layerMs`. */
  prefillLayerMs: z.array(Milliseconds).optional(),
  /** The penalty of soft constraints for taking part; not a measurable time. */
  penaltyMs: Milliseconds.optional(),
  /** Layers that the member holds already: they stay if costs are equal. */
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
  /** The maximum cost of an acceptable placement: a minimum of predicted speed. */
  maxCostMs: z.number().positive().optional(),
  /** Added to the cost of a token for each byte that a member does not hold yet. */
  loadMsPerByte: z.number().min(0).optional(),
});
export type Problem = z.infer<typeof ProblemShape>;

type Report = (path: (string | number)[], message: string) => void;

/** A problem whose parts are consistent: lengths, ids, ranges. */
export const Problem = ProblemShape.superRefine((problem, context) => {
  const report: Report = (path, message) => context.addIssue({ code: "custom", path, message });
  checkMembers(problem, report);
  checkLinks(problem, report);
});

function checkMembers({ members, model }: Problem, report: Report): void {
  const layerCount = model.layers.length;
  const seen = new Set<string>();
  const pinnedBy = new Map<number, string>();
  members.forEach((member, index) => {
    if (seen.has(member.id)) report(["members", index, "id"], `"${member.id}" appears twice`);
    seen.add(member.id);
    for (const field of ["layerMs", "prefillLayerMs"] as const) {
      const times = member[field];
      if (times !== undefined && times.length !== layerCount)
        report(
          ["members", index, field],
          `has ${times.length} numbers, but the model has ${layerCount} layers`,
        );
    }
    for (const field of ["pinned", "held"] as const) {
      const range = member[field];
      if (typeof range === "object" && range.end > layerCount)
        report(["members", index, field, "end"], `is beyond the model's ${layerCount} layers`);
    }
    if (typeof member.pinned !== "object") return;
    if (member.excluded === true)
      report(["members", index, "pinned"], "a member cannot be both excluded and pinned");
    for (
      let layer = member.pinned.first;
      layer < Math.min(member.pinned.end, layerCount);
      layer++
    ) {
      const other = pinnedBy.get(layer);
      if (other !== undefined) {
        report(["members", index, "pinned"], `layer ${layer} is pinned to "${other}" too`);
        break;
      }
      pinnedBy.set(layer, member.id);
    }
  });
}

function checkLinks({ members, links }: Problem, report: Report): void {
  const ids = new Set(members.map((member) => member.id));
  const seen = new Set<string>();
  links.forEach((link, index) => {
    for (const end of ["from", "to"] as const)
      if (!ids.has(link[end]))
        report(["links", index, end], `names "${link[end]}", which is not a member`);
    if (link.from === link.to) report(["links", index, "to"], "a link needs two members");
    const pair = JSON.stringify([link.from, link.to]);
    if (seen.has(pair))
      report(["links", index], `a second link from "${link.from}" to "${link.to}"`);
    seen.add(pair);
  });
}
