/** Which kernels a shard runs, and how they compare with the others that were measured. */
import { z } from "zod";
import { Detail } from "./failure-schema.ts";

/** An identifier, such as the variant "threads 8x1 wg16 quads". */
const Name = z.string().max(80);
const Count = z.int().min(0);

/** The variant of one kind of work. */
export const KernelChoice = z.strictObject({
  kind: z.enum(["attention", "product"]),
  /** Its shape: "9/3x64" (heads, those of keys, head size), or "Q4_1 int8 1536x576". */
  shape: Name,
  workload: z.enum(["decode", "batch", "prefill"]),
  winner: Name,
  /** Attentions or multiply-accumulates per ms; null until measured. */
  ratePerMs: z.number().positive().nullable(),
  /** The others that were measured, fastest first; the winner's speed is 1. */
  others: z.array(z.strictObject({ name: Name, speed: z.number().min(0) })).max(20),
});
export type KernelChoice = z.infer<typeof KernelChoice>;

export const KernelReport = z.strictObject({
  traits: z.strictObject({
    lowParallelism: z.boolean(),
    /** Rows of a prompt in one step. */
    rowsPerChunk: Count,
  }),
  choices: z.array(KernelChoice).max(100),
  tuning: z.discriminatedUnion("status", [
    z.strictObject({ status: z.literal("untuned_few_layers") }),
    /** It runs until the kinds of work are measured; `total` is 0 until they are counted. */
    z.strictObject({ status: z.literal("first_guess"), done: Count, total: Count }),
    /** Measuring has ended, with the last candidate or with the budget. */
    z.strictObject({ status: z.literal("measured") }),
    /** The first guess stays. */
    z.strictObject({ status: z.literal("failed"), detail: Detail }),
  ]),
});
export type KernelReport = z.infer<typeof KernelReport>;
