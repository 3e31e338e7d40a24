/**
 * The multiply-accumulates of a matrix kernel, and the instructions in which a lane of a GPU issues
 * them. They are counted in each part of the text between two braces, and added up each time that part
 * runs.
 *
 *   products   a dot of four floats is four, of four int8 one and one more where it is scaled; a
 *              product of scalars is one
 *   forms      instructions that prepare numbers for a product: out of their places within a word (one
 *              for each), and to the other lanes of a quad (one for each swap)
 *
 * Conversions of quants, and work once per block, are the same in all variants and not counted.
 */

/** Indices of the sums (noting.ts). */
export const ARITHMETIC_SUMS = { macs: 0, products: 1, forms: 2 } as const;

type Cost = Partial<Record<keyof typeof ARITHMETIC_SUMS, number>>;

const COSTS: readonly { readonly text: RegExp; readonly cost: Cost }[] = [
  // The sum of a block's activations is not a product.
  { text: /\bdot\(\w+, (?!vec4<f32>\(1\.0\))/g, cost: { macs: 4, products: 4 } },
  { text: /\bdot4I8Packed\(/g, cost: { macs: 4, products: 1 } },
  { text: /\bsc_\w+ \* dot4I8Packed\(/g, cost: { products: 1 } },
  { text: /\b(?:p_even \* even|p_odd \* odd)_/g, cost: { macs: 2, products: 1 } },
  { text: /\bx_\w+ \* u_/g, cost: { macs: 1, products: 1 } },
  { text: /\w+ \* \(vec4<f32>\(1\.0, 0x1p-8,/g, cost: { forms: 4 } },
  { text: /\blet x_\w+ = (?:part_|quadSwap)/g, cost: { forms: 1 } },
];

const SUM_KEYS = ["macs", "products", "forms"] as const;

/** The text with `add_note` (noting.ts) of its arithmetic. */
export function notedArithmetic(wgsl: string): string {
  const text = wgsl.replace(/\/\/.*$/gm, "");
  return text.replace(/[^{}]+/g, (stretch) => {
    const sums = { macs: 0, products: 0, forms: 0 };
    for (const { text, cost } of COSTS) {
      const times = [...stretch.matchAll(text)].length;
      for (const key of SUM_KEYS) sums[key] += times * (cost[key] ?? 0);
    }
    const notes = SUM_KEYS.filter((key) => sums[key] > 0).map(
      (key) => `add_note(${ARITHMETIC_SUMS[key]}u, ${sums[key]}u);`,
    );
    return notes.length === 0 ? stretch : `\n${notes.join("\n")}${stretch}`;
  });
}
