/**
 * One answer over all its attempts: what was requested, the tokens so far, and
 * their text. Knows no room and no stages.
 */
import { failureOf, type ModelSummary, RoomError, type TokenEvent } from "../../shared/index.ts";
import type { AnswerEvent, AskRequest } from "./answer.ts";
import type { ModelText } from "../parts.ts";
import { StopStrings } from "./stop-strings.ts";

export type AnswerRun = Awaited<ReturnType<typeof prepareAnswer>>;

/**
 * Tokenizes the input. `key` names the answer to the stages over all its attempts. Rejects with a
 * `RoomError` for a prompt that the model cannot take.
 */
export async function prepareAnswer(
  request: AskRequest,
  model: ModelSummary,
  textOf: (model: ModelSummary) => Promise<ModelText>,
  startMs: number,
  key: string,
) {
  const { text, prompt } = await tokenize(request, model, textOf);
  if (prompt.length === 0) throw new RoomError({ reason: "prompt_empty" });
  const unknown = prompt.find((each) => each < 0 || each >= model.vocabulary);
  if (unknown !== undefined)
    throw new RoomError({ reason: "unknown_token", model: model.name, token: unknown });
  const decoder = text.decoder(); // whole characters only
  const stops = new StopStrings(request.stop);
  const answer: number[] = [];
  let firstTokenMs: number | null = null;
  return {
    key,
    request,
    model,
    text,
    prompt,
    get answerTokens() {
      return answer.length;
    },
    /** A stop string ended the text. */
    get stopped() {
      return stops.stopped;
    },
    /** The prompt and the answer so far: what the next attempt continues. */
    get tokens() {
      return Uint32Array.from([...prompt, ...answer]);
    },
    /** How many more tokens were requested; `contextTokens` limits prompt and answer together. */
    tokensLeft(contextTokens: number): number {
      const space = contextTokens - prompt.length;
      return Math.max(1, Math.min(request.maxTokens ?? space, space) - answer.length);
    },
    /** The event of a token, or null for one that is a repetition or does not follow. */
    take(event: TokenEvent, nowMs: number): Extract<AnswerEvent, { kind: "token" }> | null {
      if (event.position !== prompt.length + answer.length) return null;
      answer.push(event.token);
      firstTokenMs ??= nowMs - startMs;
      const { token, logprob, top, computeMs, hopMs } = event;
      const said = text.endTokens.includes(token) ? "" : stops.push(decoder.push(token));
      return { kind: "token", token, text: said, logprob, top, computeMs, hopMs };
    },
    finish(finish: "stop" | "length" | "cancelled", nowMs: number): AnswerEvent {
      const limit = answer.length >= (request.maxTokens ?? Infinity) ? "tokens" : "context";
      return {
        kind: "finished",
        finish,
        limit: finish === "length" ? limit : null,
        text: stops.push(decoder.finish()) + stops.flush(),
        usage: { promptTokens: prompt.length, completionTokens: answer.length },
        firstTokenMs,
        totalMs: nowMs - startMs,
      };
    },
  };
}

async function tokenize(
  { input }: AskRequest,
  model: ModelSummary,
  textOf: (model: ModelSummary) => Promise<ModelText>,
): Promise<{ readonly text: ModelText; readonly prompt: readonly number[] }> {
  try {
    const text = await textOf(model);
    switch (input.kind) {
      case "chat":
        return { text, prompt: [...(await text.encodeChat(input.messages))] };
      case "text":
        return { text, prompt: [...(await text.encodeText(input.prompt))] };
      case "tokens":
        return { text, prompt: [...input.tokens] };
    }
  } catch (error) {
    throw new RoomError({ reason: "prompt_not_tokenized", cause: failureOf(error) });
  }
}
