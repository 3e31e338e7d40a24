/**
 * One answer over all its attempts: what was requested, the tokens so far, and
 * their text. Knows no room and no stages.
 */
import { failureOf, type ModelSummary, RoomError, type TokenEvent } from "../../shared/index.ts";
import type { AnswerEvent, AskRequest } from "./answer.ts";
import type { ModelText, TokenDecoder } from "../parts.ts";
import { StopStrings } from "./stop-strings.ts";

export class AnswerRun {
  /** Names the answer to the stages over all its attempts. */
  readonly key: string;
  readonly request: AskRequest;
  readonly model: ModelSummary;
  readonly text: ModelText;
  readonly prompt: readonly number[];
  readonly #answer: number[] = [];
  /** Whole characters only. */
  readonly #decoder: TokenDecoder;
  readonly #stops: StopStrings;
  readonly #startMs: number;
  #firstTokenMs: number | null = null;

  private constructor(
    request: AskRequest,
    model: ModelSummary,
    tokenized: { readonly text: ModelText; readonly prompt: readonly number[] },
    startMs: number,
    key: string,
  ) {
    this.key = key;
    this.request = request;
    this.model = model;
    this.text = tokenized.text;
    this.prompt = tokenized.prompt;
    this.#decoder = tokenized.text.decoder();
    this.#stops = new StopStrings(request.stop);
    this.#startMs = startMs;
  }

  /** Tokenizes the input. Rejects with a `RoomError` for a prompt that the model cannot take. */
  static async prepare(
    request: AskRequest,
    model: ModelSummary,
    textOf: (model: ModelSummary) => Promise<ModelText>,
    startMs: number,
    key: string,
  ): Promise<AnswerRun> {
    const tokenized = await tokenize(request, model, textOf);
    const { prompt } = tokenized;
    if (prompt.length === 0) throw new RoomError({ reason: "prompt_empty" });
    const token = prompt.find((each) => each < 0 || each >= model.vocabulary);
    if (token !== undefined) {
      throw new RoomError({ reason: "unknown_token", model: model.name, token });
    }
    return new AnswerRun(request, model, tokenized, startMs, key);
  }

  get answerTokens(): number {
    return this.#answer.length;
  }

  /** A stop string ended the text. */
  get stopped(): boolean {
    return this.#stops.stopped;
  }

  /** The prompt and the answer so far: what the next attempt continues. */
  get tokens(): Uint32Array<ArrayBuffer> {
    return Uint32Array.from([...this.prompt, ...this.#answer]);
  }

  /** How many more tokens were requested; `contextTokens` limits prompt and answer together. */
  tokensLeft(contextTokens: number): number {
    const space = contextTokens - this.prompt.length;
    return Math.max(1, Math.min(this.request.maxTokens ?? space, space) - this.#answer.length);
  }

  get #limit(): "tokens" | "context" {
    return this.#answer.length >= (this.request.maxTokens ?? Infinity) ? "tokens" : "context";
  }

  /** The event of a token, or null for one that is a repetition or does not follow. */
  take(event: TokenEvent, nowMs: number): Extract<AnswerEvent, { kind: "token" }> | null {
    if (event.position !== this.prompt.length + this.#answer.length) return null;
    this.#answer.push(event.token);
    this.#firstTokenMs ??= nowMs - this.#startMs;
    const { token, logprob, top, computeMs, hopMs } = event;
    const isEnd = this.text.endTokens.includes(token);
    const text = isEnd ? "" : this.#stops.push(this.#decoder.push(token));
    return { kind: "token", token, text, logprob, top, computeMs, hopMs };
  }

  finish(finish: "stop" | "length" | "cancelled", nowMs: number): AnswerEvent {
    return {
      kind: "finished",
      finish,
      limit: finish === "length" ? this.#limit : null,
      text: this.#stops.push(this.#decoder.flush()) + this.#stops.flush(),
      usage: { promptTokens: this.prompt.length, completionTokens: this.#answer.length },
      firstTokenMs: this.#firstTokenMs,
      totalMs: nowMs - this.#startMs,
    };
  }
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
