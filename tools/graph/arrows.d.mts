/** The types of arrows.mjs, which is plain JavaScript so that eslint.config.js can import it. */
export type Arrows = { readonly imports: readonly string[]; readonly types?: readonly string[] };

export const ARROWS: Readonly<Record<string, Arrows>>;
export function moduleOf(file: string): string;
export function refusal(from: string, to: string, typesOnly: boolean): string | null;
