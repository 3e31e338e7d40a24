/**
 * A conversation in the text format that the model was trained on: the GGUF's own
 * Jinja template, rendered by `@huggingface/jinja`.
 *
 * A file without a template gets ChatML if its vocabulary has ChatML's tokens, and
 * otherwise a plain dialogue of names and texts, which base models continue.
 */
import { detailOf } from "../shared/index.ts";
import { Template } from "@huggingface/jinja";
import { malformed, ModelError } from "./model-error.ts";
import type { EncodeOptions, Tokenizer } from "./tokenizer.ts";
import type { TokenizerData } from "./tokenizer-data.ts";

export type ChatTurn = { readonly role: string; readonly content: string };

export type ChatOptions = {
  /** End the text where the assistant's answer begins. Default true. */
  readonly addGenerationPrompt?: boolean;
  readonly tools?: readonly unknown[];
};

const CHATML =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

const PLAIN_DIALOGUE =
  "{% for message in messages %}{{ message['role'] | capitalize }}: {{ message['content'] }}\n{% endfor %}" +
  "{% if add_generation_prompt %}Assistant:{% endif %}";

const MAX_TEMPLATE_CHARACTERS = 1_000_000;

/** Throws a `ModelError` if the template cannot be read or refuses these messages. */
export function renderChat(
  data: TokenizerData,
  messages: readonly ChatTurn[],
  options: ChatOptions = {},
): string {
  const template = compile(data);
  try {
    return template.render({
      messages: messages.map((message) => ({ ...message })),
      add_generation_prompt: options.addGenerationPrompt ?? true,
      bos_token: tokenText(data, data.bosToken),
      eos_token: tokenText(data, data.eosToken),
      ...(options.tools === undefined ? {} : { tools: options.tools }),
    });
  } catch (error) {
    const detail = detailOf(error);
    throw new ModelError({ reason: "chat_template_refused", detail }, { cause: error });
  }
}

/** The prompt's tokens. BOS is added if the file requires it and the template did not. */
export function encodeChat(
  data: TokenizerData,
  tokenizer: Tokenizer,
  messages: readonly ChatTurn[],
  options?: ChatOptions,
): Uint32Array<ArrayBuffer> {
  const text = renderChat(data, messages, options);
  const bos = tokenText(data, data.bosToken);
  const encodeOptions: EncodeOptions = { addEnds: !(bos !== "" && text.startsWith(bos)) };
  return tokenizer.encode(text, encodeOptions);
}

let last: { readonly source: string; readonly template: Template } | null = null;

function compile(data: TokenizerData): Template {
  const source = data.chatTemplate ?? fallbackTemplate(data);
  if (last?.source === source) return last.template;
  if (source.length > MAX_TEMPLATE_CHARACTERS) {
    throw malformed("over_limit", "chat template", source.length, MAX_TEMPLATE_CHARACTERS);
  }
  try {
    last = { source, template: new Template(source) };
    return last.template;
  } catch (error) {
    const detail = detailOf(error);
    throw new ModelError({ reason: "chat_template_unreadable", detail }, { cause: error });
  }
}

function fallbackTemplate({ tokens }: TokenizerData): string {
  return tokens.includes("<|im_start|>") && tokens.includes("<|im_end|>") ? CHATML : PLAIN_DIALOGUE;
}

function tokenText({ tokens }: TokenizerData, token: number | null): string {
  return token === null ? "" : (tokens[token] ?? "");
}
