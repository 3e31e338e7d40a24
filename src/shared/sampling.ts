/** How the next token is chosen. Greedy is temperature 0. */
import { z } from "zod";

export const Sampling = z.strictObject({
  /** 0 is greedy: the largest logit, ties to the lowest id. */
  temperature: z.number().min(0).max(10).default(0.7),
  /** 0 keeps all. */
  topK: z.int().min(0).max(1_000_000).default(40),
  topP: z.number().min(0).max(1).default(0.95),
  minP: z.number().min(0).max(1).default(0.05),
  /** llama.cpp's: a positive logit of a recent token is divided by it, a negative one multiplied. */
  repetitionPenalty: z.number().min(0.01).max(10).default(1),
  presencePenalty: z.number().min(-2).max(2).default(0),
  frequencyPenalty: z.number().min(-2).max(2).default(0),
  /** The number of recent tokens that the penalties consider. */
  penaltyTokens: z.int().min(0).max(1024).default(64),
  seed: z.int().min(0).max(0xffff_ffff).default(0),
  /** The number of most probable tokens to report with each token; 0 reports none. */
  topLogprobs: z.int().min(0).max(20).default(0),
});
export type Sampling = z.infer<typeof Sampling>;

export const GREEDY: Sampling = Sampling.parse({ temperature: 0 });
