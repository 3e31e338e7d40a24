/**
 * Renders an untrusted Jinja template: `@huggingface/jinja` with bounded memory.
 *
 * The library's own `Template` builds `range(10^9)` as a list before its first iteration. Here
 * every value that an expression produces counts, by its length, toward `MAX_PRODUCED`. Time is
 * not bounded here: a thread that renders must be one that can be ended.
 */
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { ModelError } from "./model-error.ts";

/** Characters, list elements, and evaluated expressions of one rendering, together. */
const MAX_PRODUCED = 50_000_000;
const MAX_RANGE = 100_000;
/** A prompt of this length has more tokens than the context of any supported model. */
const MAX_TEXT_CHARACTERS = 1_000_000;

type Program = ReturnType<typeof parse>;

/** Throws the library's error if `source` is no template. */
export function parseTemplate(source: string): Program {
  return parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
}

/** Throws a `ModelError` above a limit, and the library's error if the template fails. */
export function renderTemplate(program: Program, variables: Record<string, unknown>): string {
  const environment = new Environment();
  for (const [name, value] of Object.entries({ ...GLOBALS, ...variables }))
    environment.set(name, value);
  const { value } = new BoundedInterpreter(environment).run(program);
  const text = typeof value === "string" ? value : "";
  checkLimit("characters", text.length, MAX_TEXT_CHARACTERS);
  return text;
}

class BoundedInterpreter extends Interpreter {
  #produced = 0;

  override evaluate(...parameters: Parameters<Interpreter["evaluate"]>) {
    const result = super.evaluate(...parameters);
    const value: unknown = result.value;
    this.#produced += typeof value === "string" || Array.isArray(value) ? 1 + value.length : 1;
    checkLimit("produced values", this.#produced, MAX_PRODUCED);
    return result;
  }
}

function checkLimit(subject: string, found: number, limit: number): void {
  if (found > limit) throw new ModelError({ reason: "chat_template_limit", subject, limit });
}

/** The library's globals, with a bounded `range`. */
const GLOBALS = {
  false: false,
  False: false,
  true: true,
  True: true,
  none: null,
  None: null,
  raise_exception(message: string) {
    throw new Error(message);
  },
  range(...bounds: number[]) {
    const [start = 0, stop = 0, step = 1] = bounds.length < 2 ? [0, ...bounds] : bounds;
    const count = Math.max(0, Math.ceil((stop - start) / step));
    checkLimit("elements of range()", count, MAX_RANGE);
    return Array.from({ length: count }, (_, index) => start + index * step);
  },
  strftime_now(format: string) {
    const now = new Date();
    const twoDigits = (value: number) => String(value).padStart(2, "0");
    const month = (length: "short" | "long") =>
      new Intl.DateTimeFormat(undefined, { month: length }).format(now);
    const fields: Readonly<Record<string, () => string>> = {
      "%Y": () => String(now.getFullYear()),
      "%m": () => twoDigits(now.getMonth() + 1),
      "%d": () => twoDigits(now.getDate()),
      "%b": () => month("short"),
      "%B": () => month("long"),
      "%H": () => twoDigits(now.getHours()),
      "%M": () => twoDigits(now.getMinutes()),
      "%%": () => "%",
    };
    return format.replace(/%[YmdbBHM%]/g, (field) => fields[field]?.() ?? field);
  },
};
