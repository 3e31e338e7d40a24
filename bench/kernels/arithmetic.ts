/**
 * The multiply-accumulates of a matrix kernel's text, and the instructions in which a lane of a
 * wide GPU issues them. They are counted in each stretch of the text between two braces, and
 * the stretch adds them up each time it runs.
 *
 *   products   a dot of four floats is four, of four halves two (pairs of halves are packed), of
 *              four int8 one and one more where it is scaled; a product of scalars is one
 *   forms      what brings numbers into a product's form and out of it: out of the places in
 *              their word (one for each), to the other lanes of a quad (one for each swap), into
 *              halves (two for four), and the sum of four halves into f32 (three: the pair's sum,
 *              its conversion, the addition)
 *
 * Conversions of quants, and what is done once a block, are the same in all siblings and left out.
 */
import { elementTypes } from "./noting.ts";

/** Numbers of the sums (noting.ts). */
export const ARITHMETIC_SUMS = { macs: 0, products: 1, forms: 2 } as const;

type Cost = Partial<Record<keyof typeof ARITHMETIC_SUMS, number>>;

/** What costs the same wherever it stands. */
const COSTS: readonly { readonly text: RegExp; readonly cost: Cost }[] = [
  { text: /\bdot4I8Packed\(/g, cost: { macs: 4, products: 1 } },
  { text: /\bsc_\w+ \* dot4I8Packed\(/g, cost: { products: 1 } },
  { text: /\b(?:p_even \* even|p_odd \* odd)_/g, cost: { macs: 2, products: 1 } },
  { text: /\bx_\w+ \* u_/g, cost: { macs: 1, products: 1 } },
  { text: /\w+ \* \(vec4<f32>\(1\.0, 0x1p-8,/g, cost: { forms: 4 } },
  { text: /\blet x_\w+ = (?:part_|quadSwap)/g, cost: { forms: 1 } },
];

/** A dot product; the sum of a block's activations is none. */
const DOT = /\bdot\((\w+), (?!vec4<f32>\(1\.0\))/g;
const DOT_COSTS = {
  "vec4<f32>": { macs: 4, products: 4 },
  "vec4<f16>": { macs: 4, products: 2, forms: 3 },
} as const;

/** The text with `add_note` (noting.ts) of its arithmetic. */
export function notedArithmetic(wgsl: string): string {
  const text = wgsl.replace(/\/\/.*$/gm, "");
  const kernel = { text, workgroup: elementTypes(text, "workgroup"), halves: new Set<string>() };
  return text.replace(/[^{}]+/g, (stretch, at: number) => {
    const sums = { macs: 0, products: 0, forms: 0 };
    for (const cost of costs(kernel, stretch, at)) {
      for (const key of SUM_KEYS) sums[key] += cost[key] ?? 0;
    }
    const notes = SUM_KEYS.filter((key) => sums[key] > 0).map(
      (key) => `add_note(${ARITHMETIC_SUMS[key]}u, ${sums[key]}u);`,
    );
    return notes.length === 0 ? stretch : `\n${notes.join("\n")}${stretch}`;
  });
}

const SUM_KEYS = ["macs", "products", "forms"] as const;

type KernelText = {
  readonly text: string;
  /** Types of the elements of arrays in workgroup memory. */
  readonly workgroup: ReadonlyMap<string, string>;
  /** Values that were converted to halves, by name and place of declaration. */
  readonly halves: Set<string>;
};

function* costs(kernel: KernelText, stretch: string, at: number): Generator<Cost> {
  for (const { text, cost } of COSTS) {
    yield* Array.from(stretch.matchAll(text), () => cost);
  }
  for (const { 1: name, index } of stretch.matchAll(DOT)) {
    yield DOT_COSTS[typeOf(kernel, name!, at + index)];
  }
  // Rows repeat a conversion of the activations in the text, which a compiler does once.
  for (const { 1: type, 2: name, index } of stretch.matchAll(/\b(vec4<f16>|Four)\((\w+)\)/g)) {
    const value = `${name!} of ${declaration(kernel.text, name!, at + index).at}`;
    const isHalves = type !== "Four" || kernel.workgroup.get("w_tile") === "vec4<f16>";
    if (isHalves && !kernel.halves.has(value)) yield { forms: 2 };
    kernel.halves.add(value);
  }
}

/** Throws where the text does not say. */
function typeOf({ text, workgroup }: KernelText, name: string, at: number): keyof typeof DOT_COSTS {
  const { value } = declaration(text, name, at);
  const loaded = workgroup.get(/^(\w+)\[/.exec(value)?.[1] ?? "");
  const type = loaded ?? /vec4<f\d+>/.exec(value)?.[0];
  if (type === "vec4<f16>" || type === "vec4<f32>") return type;
  throw new Error(`it is not plain what ${name} = ${value} is made of`);
}

/** The nearest declaration of a name before a place in the text. */
function declaration(text: string, name: string, before: number): { value: string; at: number } {
  const places = ["let", "var"].map((word) => text.lastIndexOf(`${word} ${name} = `, before));
  const at = Math.max(...places);
  const found = /^\w+ \w+ = ([^;]*);/.exec(text.slice(Math.max(at, 0), before));
  if (at < 0 || found === null) throw new Error(`${name} has no declaration`);
  return { value: found[1]!, at };
}
