/** The bodies of HTTP requests. */
import { ApiProblemError, parseValue } from "../../../src/api/http/errors.ts";
import {
  ChatBody,
  chatCompletion,
  TextBody,
  textCompletion,
} from "../../../src/api/http/completion-request.ts";
import { PlacementBody } from "../../../src/api/http/placement-routes.ts";
import { parseJson } from "../../../src/shared/parse.ts";
import type { Random } from "../../../tools/placement/random.ts";
import type { FuzzTarget } from "../../../tools/fuzz/fuzz.ts";
import { mutatedText } from "../../../tools/fuzz/mutate.ts";
import { jsonOf } from "../../../tools/fuzz/values.ts";

/** A long list of short items. */
const numbers = (count: number) => JSON.stringify(Array.from({ length: count }, () => 1));

const CHATS: readonly string[] = [
  '{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"max_tokens":8,"stop":["\\n"]}',
  '{"messages":[{"role":"system","content":[{"type":"text","text":"é"}]}],"logprobs":true}',
];
const LONG_CHATS = [`{"messages":[{"role":"user"}],"tools":${numbers(30_000)}}`];
const TEXTS: readonly string[] = [
  '{"model":"tiny","prompt":"The capital of","temperature":0,"seed":7,"logprobs":2}',
  '{"prompt":[[1,2,3]],"stream":true,"stream_options":{"include_usage":true}}',
];
const LONG_TEXTS = [`{"prompt":[${numbers(30_000)}]}`];

const PLACEMENTS: readonly string[] = [
  '{"model":"tiny"}',
  '{"model":"https://models.example/a.gguf","stages":[{"member":"tab-1","first":0,"end":3}]}',
];

/** They take longer. */
const seldom = (texts: readonly string[], random: Random) =>
  random.whole(0, 19) === 0 ? texts : null;
const isProblem = (error: unknown) => error instanceof ApiProblemError;

export const chatBodies: FuzzTarget<string> = {
  name: "chat-bodies",
  generate: (random) =>
    random.whole(0, 1) === 0
      ? jsonOf(ChatBody, random)
      : mutatedText(seldom(LONG_CHATS, random) ?? CHATS, random),
  decode: (text) => chatCompletion(parseValue(ChatBody, parseJson(text))),
  isRefusal: isProblem,
};

export const placementBodies: FuzzTarget<string> = {
  name: "placement-bodies",
  generate: (random) =>
    random.whole(0, 1) === 0 ? jsonOf(PlacementBody, random) : mutatedText(PLACEMENTS, random),
  decode: (text) => parseValue(PlacementBody, parseJson(text)),
  isRefusal: isProblem,
};

export const textBodies: FuzzTarget<string> = {
  name: "text-bodies",
  generate: (random) =>
    random.whole(0, 1) === 0
      ? jsonOf(TextBody, random)
      : mutatedText(seldom(LONG_TEXTS, random) ?? TEXTS, random),
  decode: (text) => textCompletion(parseValue(TextBody, parseJson(text))),
  isRefusal: isProblem,
};
