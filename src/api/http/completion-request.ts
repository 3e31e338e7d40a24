/**
 * The bodies of OpenAI's two completion routes: which fields are read, which are
 * refused, and what they mean for the room. Unknown fields are ignored, as
 * OpenAI's own servers do.
 */
import { z } from "zod";
import type { AskInput } from "../../cluster/index.ts";
import { Sampling, type UnsupportedFeature } from "../../shared/index.ts";
import { ApiProblemError } from "./errors.ts";

const isRecord = (value: unknown) =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const common = {
  model: z.string().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  temperature: z.number().min(0).max(10).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.int().min(-1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  repetition_penalty: z.number().min(0.01).max(10).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  max_tokens: z.int().min(1).nullish(),
  n: z.int().nullish(),
  return_token_ids: z.boolean().nullish(),
  logit_bias: z.custom<object>(isRecord).nullish(),
};

const Content = z.union([
  z.string(),
  z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
]);

export const ChatBody = z.looseObject({
  ...common,
  messages: z
    .array(
      z.looseObject({
        role: z.enum(["system", "developer", "user", "assistant"]),
        content: Content.nullish(),
      }),
    )
    .min(1),
  max_completion_tokens: z.int().min(1).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  tools: z.custom<unknown[]>(Array.isArray).nullish(),
  functions: z.custom<unknown[]>(Array.isArray).nullish(),
  response_format: z.looseObject({ type: z.string() }).nullish(),
});

export const TextBody = z.looseObject({
  ...common,
  /** Read by `promptInput`, since zod allocates hundreds of bytes for each item of a list without a bound. */
  prompt: z.unknown().optional(),
  logprobs: z.int().min(0).max(20).nullish(),
  echo: z.boolean().nullish(),
  suffix: z.string().nullish(),
  best_of: z.int().nullish(),
});

/** A request of either route, in the room's terms. */
export type Completion = {
  readonly kind: "chat" | "text";
  readonly model: string | null;
  readonly input: AskInput;
  readonly sampling: Sampling;
  readonly maxTokens: number | null;
  readonly stop: readonly string[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly returnTokenIds: boolean;
  /** Number of alternatives to report with each token; null for no log-probabilities. */
  readonly logprobs: number | null;
};

/** OpenAI's own default for the older route. */
const TEXT_MAX_TOKENS = 16;

export function chatCompletion(body: z.infer<typeof ChatBody>): Completion {
  refuse(body.tools?.length, "tools");
  refuse(body.functions?.length, "tools", "functions");
  refuse((body.response_format?.type ?? "text") !== "text", "response_format");
  const messages = body.messages.map(({ role, content }) => ({
    role: role === "developer" ? "system" : role,
    content: plainText(content ?? ""),
  }));
  return {
    kind: "chat",
    input: { kind: "chat", messages },
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? null,
    ...shared(body, body.logprobs ? (body.top_logprobs ?? 0) : null),
  };
}

export function textCompletion(body: z.infer<typeof TextBody>): Completion {
  refuse(body.echo, "echo");
  refuse(body.suffix, "suffix");
  refuse((body.best_of ?? 1) !== 1, "best_of");
  return {
    kind: "text",
    input: promptInput(body.prompt),
    maxTokens: body.max_tokens ?? TEXT_MAX_TOKENS,
    ...shared(body, body.logprobs ?? null),
  };
}

function shared(
  body: Pick<z.infer<typeof TextBody>, keyof typeof common>,
  logprobs: number | null,
): Omit<Completion, "kind" | "input" | "maxTokens"> {
  refuse((body.n ?? 1) !== 1, "n");
  refuse(Object.keys(body.logit_bias ?? {}).length > 0, "logit_bias");
  const { stop } = body;
  return {
    model: body.model || null,
    sampling: samplingOf(body, logprobs),
    stop: typeof stop === "string" ? [stop] : (stop ?? []),
    stream: body.stream ?? false,
    includeUsage: body.stream_options?.include_usage ?? false,
    returnTokenIds: body.return_token_ids ?? false,
    logprobs,
  };
}

/** Missing values get the room's defaults; a missing seed is random. */
function samplingOf(
  body: Pick<z.infer<typeof TextBody>, keyof typeof common>,
  logprobs: number | null,
): Sampling {
  const given = {
    temperature: body.temperature,
    topP: body.top_p,
    // Clients of vLLM send -1 for "all".
    topK: body.top_k === -1 ? 0 : body.top_k,
    minP: body.min_p,
    repetitionPenalty: body.repetition_penalty,
    presencePenalty: body.presence_penalty,
    frequencyPenalty: body.frequency_penalty,
    seed: body.seed === null || body.seed === undefined ? randomSeed() : body.seed >>> 0,
    // The chosen token's probability is part of the list.
    topLogprobs: logprobs === null ? 0 : Math.max(1, logprobs),
  };
  const known = Object.entries(given).filter(([, value]) => value !== null && value !== undefined);
  return Sampling.parse(Object.fromEntries(known));
}

/** Text, tokens, or a list of one of these. */
function promptInput(prompt: unknown): AskInput {
  const one = textOrTokens(prompt);
  if (one !== null) return one;
  const [first, ...others] = Array.isArray(prompt) ? (prompt as unknown[]).map(textOrTokens) : [];
  if (!first || others.includes(null)) {
    const detail = "Invalid input: expected text, or a list of texts or tokens";
    throw new ApiProblemError({ reason: "invalid_value", param: "prompt", detail });
  }
  refuse(others.length > 0, "several_prompts", "prompt");
  return first;
}

function textOrTokens(prompt: unknown): AskInput | null {
  if (typeof prompt === "string") return { kind: "text", prompt };
  if (!Array.isArray(prompt) || prompt.length === 0) return null;
  const isToken = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  return prompt.every(isToken) ? { kind: "tokens", tokens: prompt as number[] } : null;
}

function plainText(content: z.infer<typeof Content>): string {
  if (typeof content === "string") return content;
  return content
    .map(({ type, text }) => {
      refuse(type !== "text", "content_type", "messages");
      return text ?? "";
    })
    .join("");
}

function refuse(condition: unknown, feature: UnsupportedFeature, param: string = feature): void {
  if (condition) throw new ApiProblemError({ reason: "unsupported_value", param, feature });
}

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}
