/**
 * A conversation in the text format that the model was trained on: the GGUF's own
 * Jinja template. A page renders it in a thread of its own (`tab/chat-renderer.ts`), since a
 * template may never end.
 *
 * A file without a template gets ChatML if its vocabulary has ChatML's tokens, and
 * otherwise a plain dialogue of names and texts, which base models continue.
 */
import { detailOf } from "../shared/index.ts";
import { parseTemplate, renderTemplate } from "./bounded-template.ts";
import { malformed, ModelError } from "./model-error.ts";
import type { Tokenizer } from "./tokenizer.ts";
import type { TokenizerData } from "./tokenizer-data.ts";

export type ChatTurn = { readonly role: string; readonly content: string };

/** What rendering needs of a model's file; small, since each rendering sends it to a thread. */
export type ChatTemplate = {
  readonly source: string;
  readonly bosText: string;
  readonly eosText: string;
};

const CHATML =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

const PLAIN_DIALOGUE =
  "{% for message in messages %}{{ message['role'] | capitalize }}: {{ message['content'] }}\n{% endfor %}" +
  "{% if add_generation_prompt %}Assistant:{% endif %}";

const MAX_TEMPLATE_CHARACTERS = 1_000_000;

export function chatTemplateOf(data: TokenizerData): ChatTemplate {
  return {
    source: data.chatTemplate ?? fallbackTemplate(data),
    bosText: tokenText(data, data.bosToken),
    eosText: tokenText(data, data.eosToken),
  };
}

/**
 * The text ends where the assistant's answer begins. Throws a `ModelError` if the template
 * cannot be read, refuses these messages, or exceeds a limit.
 */
export function renderChat(template: ChatTemplate, messages: readonly ChatTurn[]): string {
  const program = parsed(template.source);
  try {
    return renderTemplate(program, {
      messages: messages.map((message) => ({ ...message })),
      add_generation_prompt: true,
      bos_token: template.bosText,
      eos_token: template.eosText,
    });
  } catch (error) {
    if (error instanceof ModelError) throw error;
    const detail = detailOf(error);
    throw new ModelError({ reason: "chat_template_refused", detail }, { cause: error });
  }
}

/** The tokens of a rendered chat. BOS is added if the file requires it and the template did not. */
export function encodeChat(
  { bosText }: ChatTemplate,
  tokenizer: Tokenizer,
  text: string,
): Uint32Array<ArrayBuffer> {
  return tokenizer.encode(text, { addEnds: !(bosText !== "" && text.startsWith(bosText)) });
}

let last: { readonly source: string; readonly program: ReturnType<typeof parseTemplate> } | null =
  null;

function parsed(source: string): ReturnType<typeof parseTemplate> {
  if (last?.source === source) return last.program;
  if (source.length > MAX_TEMPLATE_CHARACTERS) {
    throw malformed("over_limit", "chat template", source.length, MAX_TEMPLATE_CHARACTERS);
  }
  try {
    last = { source, program: parseTemplate(source) };
    return last.program;
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
