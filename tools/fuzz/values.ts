/**
 * Values that a zod schema describes, with some that it does not: wrong types, missing and
 * further fields, numbers at and beyond their bounds.
 */
import * as z from "zod";
import type { Random } from "../placement/random.ts";

type Schema = z.core.$ZodType;

const MAX_ITEMS = 3;
const MAX_DEPTH = 12;

export type ValueOptions = {
  /** Of every value the chance that it is not what the schema says. Default 1 %. */
  readonly hostility?: number;
  /** Texts for fields with a pattern, such as ids. */
  readonly words?: readonly string[];
};

const WORDS: readonly string[] = [
  ...[
    "a",
    "tab-1",
    "owner",
    "ABCDEF",
    "XYZ234",
    "https://models.example/a.gguf",
    "http://[",
    "é😀",
  ],
  ...["llama", "Q4_1", "message", "", " ", "__proto__", "\ud800", "x".repeat(81), "y".repeat(300)],
];
const HOSTILE: readonly unknown[] = [
  ...[null, true, "", "x", 0, -1, 0.5, 1e308, 2 ** 53, [], {}, [[]], [null], { a: 1 }],
  ...["__proto__", "z".repeat(5000), Array.from({ length: 2000 }, () => 0), nested(200)],
];

/** The same `random` makes the same value. */
export function valueOf(schema: Schema, random: Random, options: ValueOptions = {}): unknown {
  return value(schema, random, { hostility: 0.01, words: WORDS, ...options }, 0);
}

/** Such a value as JSON. */
export function jsonOf(schema: Schema, random: Random, options?: ValueOptions): string {
  return JSON.stringify(valueOf(schema, random, options)) ?? "";
}

function value(
  schema: Schema,
  random: Random,
  options: Required<ValueOptions>,
  depth: number,
): unknown {
  if (depth > MAX_DEPTH || random.between(0, 1) < options.hostility) return random.pick(HOSTILE);
  const { def } = (schema as z.core.$ZodTypes)._zod;
  const inner = (of: Schema) => value(of, random, options, depth + 1);
  switch (def.type) {
    case "object":
      return object(def, random, options, inner);
    case "array":
      return items(schema, random).map(() => inner(def.element));
    case "tuple":
      return def.items.map(inner);
    case "record":
      return Object.fromEntries(
        items(schema, random).map(() => [String(inner(def.keyType)), inner(def.valueType)]),
      );
    case "union":
      return inner(random.pick(def.options));
    case "optional":
    case "nullable":
    case "default":
    case "readonly":
    case "catch":
    case "prefault":
    case "nonoptional":
      if (def.type === "nullable" && random.whole(0, 2) === 0) return null;
      return inner(def.innerType);
    case "pipe":
      return inner(def.in);
    case "lazy":
      return inner(def.getter());
    case "literal":
      return random.pick(def.values);
    case "enum":
      return random.pick(Object.values(def.entries));
    case "boolean":
      return random.whole(0, 1) === 1;
    case "number":
      return number(schema, random);
    case "string":
      return text(schema, random, options.words);
    case "null":
      return null;
    default:
      return random.pick(HOSTILE);
  }
}

function object(
  def: z.core.$ZodObjectDef,
  random: Random,
  { hostility }: Required<ValueOptions>,
  inner: (of: Schema) => unknown,
): unknown {
  const fields = Object.entries(def.shape).filter(([, field]) => {
    const { type } = field._zod.def;
    const isOptional = type === "optional" || type === "default";
    return random.between(0, 1) >= (isOptional ? 0.5 : hostility / 4);
  });
  const made = Object.fromEntries(fields.map(([key, field]) => [key, inner(field)]));
  if (random.between(0, 1) < hostility) made[random.pick(["more", "constructor"])] = 1;
  return made;
}

function items(schema: Schema, random: Random): readonly undefined[] {
  const { low, high } = boundsOf(schema, 0, 50);
  return Array.from({ length: Math.min(low + random.whole(0, MAX_ITEMS), high) });
}

function number(schema: Schema, random: Random): number {
  const { low, high, isWhole } = boundsOf(schema, -1e6, 1e6);
  const any = random.between(low, Math.min(high, low + 1e6));
  return random.pick([low, high, Math.max(low, 1), isWhole ? Math.floor(any) : any]);
}

/** Bounds of a number's value or of a list's length, as far as the schema has them. */
function boundsOf(schema: Schema, low: number, high: number) {
  const bounds = { low, high, isWhole: false };
  const { def } = schema._zod;
  for (const found of [def, ...(def.checks ?? []).map((check) => check._zod.def)]) {
    const check = found as { check?: string } & Record<string, unknown>;
    if (check.check === "number_format") bounds.isWhole = check["format"] !== "float64";
    if (check.check === "greater_than") bounds.low = Number(check["value"]);
    if (check.check === "less_than") bounds.high = Number(check["value"]);
    if (check.check === "min_length") bounds.low = Number(check["minimum"]);
    if (check.check === "max_length") bounds.high = Number(check["maximum"]);
  }
  return bounds;
}

const matching = new WeakMap<Schema, readonly string[]>();

function text(schema: Schema, random: Random, words: readonly string[]): string {
  let known = matching.get(schema);
  if (known === undefined) {
    known = words.filter((word) => z.safeParse(schema, word).success);
    matching.set(schema, known);
  }
  return random.pick(known.length > 0 ? known : words);
}

function nested(depth: number): unknown {
  return depth === 0 ? [] : [nested(depth - 1)];
}
