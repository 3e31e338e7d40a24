/**
 * Specializes WGSL text where a number must size an array or unroll a loop, and where variants differ
 * in a part. (WGSL compilers in browsers do not unroll; on software adapters an unrolled loop is
 * several times faster.)
 *
 *   // #part name          replaced by the part of that name
 *   // #part name?         ... or by nothing if there is none
 *   // #each r < ROWS      the lines up to the matching `#end`, once for each r
 *   // #end                from 0; `{r}` is its value, `{r*2+1}`, `{r/4}`, `{r%4}` (left to right)
 *   {ROWS}                 the value of a parameter
 *   // #join + r < ROWS    as #each, joined by the operator (for one expression)
 *
 * A brace that does not enclose a known name is left as it is.
 */
export type TemplateValues = Readonly<Record<string, number | string>>;

/** Fills in parts, then loops and values. Throws on an unknown part or loop bound. */
export function expandTemplate(
  wgsl: string,
  values: TemplateValues,
  parts: Readonly<Record<string, string>> = {},
): string {
  return expandLines(withParts(wgsl, parts, 0).split("\n"), values).join("\n");
}

/** Parts may name parts; deeper than this they name themselves. */
const MAX_PART_DEPTH = 8;

function withParts(wgsl: string, parts: Readonly<Record<string, string>>, depth: number): string {
  if (depth > MAX_PART_DEPTH) throw new Error("template: a part includes itself");
  const line = /^[ \t]*\/\/ #part ([^\s?]+)(\?)?[ \t]*$/gm;
  return wgsl.replace(line, (_line, name: string, optional: string | undefined) => {
    const part = parts[name] ?? (optional && "");
    if (part === undefined) throw new Error(`template: no part is named "${name}"`);
    return withParts(part, parts, depth + 1);
  });
}

function expandLines(lines: readonly string[], values: TemplateValues): string[] {
  const out: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const loop = /^\s*\/\/ #(?:each|join (\S+)) (\w+) < (\w+)\s*$/.exec(line);
    if (loop === null) {
      out.push(substitute(line, values));
      continue;
    }
    const [, operator, variable, count] = loop;
    const end = matchingEnd(lines, i);
    const body = lines.slice(i + 1, end);
    for (let index = 0; index < bound(count!, values); index++) {
      if (operator !== undefined && index > 0) out.push(operator);
      out.push(...expandLines(body, { ...values, [variable!]: index }));
    }
    i = end;
  }
  return out;
}

function bound(name: string, values: TemplateValues): number {
  const value = /^\d+$/.test(name) ? Number(name) : values[name];
  if (typeof value !== "number")
    throw new Error(`template: the loop bound ${name} is not a number`);
  return value;
}

function matchingEnd(lines: readonly string[], start: number): number {
  let depth = 0;
  for (let i = start; i < lines.length; i++) {
    if (/^\s*\/\/ #(each|join) /.test(lines[i]!)) depth++;
    if (/^\s*\/\/ #end\s*$/.test(lines[i]!) && --depth === 0) return i;
  }
  throw new Error(`template: "${lines[start]!.trim()}" has no #end`);
}

function substitute(line: string, values: TemplateValues): string {
  return line.replace(/\{(\w+)((?:[+*/%]\d+)*)\}/g, (whole, name: string, operations: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    if (operations === "") return String(value);
    let result = Number(value);
    for (const [, operator, operand] of operations.matchAll(/([+*/%])(\d+)/g)) {
      result = OPERATIONS[operator as keyof typeof OPERATIONS](result, Number(operand));
    }
    return String(result);
  });
}

const OPERATIONS = {
  "+": (a: number, b: number) => a + b,
  "*": (a: number, b: number) => a * b,
  "/": (a: number, b: number) => Math.floor(a / b),
  "%": (a: number, b: number) => a % b,
};

/** The sections of files of parts: each starts at a line `// #section name`. */
export function sectionsOf(...files: readonly string[]): Record<string, string> {
  const sections: Record<string, string> = {};
  for (const text of files.flatMap((file) => file.split(/^\/\/ #section /m).slice(1))) {
    const lineEnd = text.indexOf("\n");
    sections[text.slice(0, lineEnd).trim()] = text.slice(lineEnd + 1).trimEnd();
  }
  return sections;
}

/** Parts for some kinds: their sections, `kind.name`, go by `name` too, and later kinds replace earlier ones. */
export function partsOf(
  sections: Readonly<Record<string, string>>,
  ...kinds: readonly string[]
): Record<string, string> {
  const parts = { ...sections };
  for (const kind of kinds) {
    for (const [name, text] of Object.entries(sections)) {
      if (name.startsWith(`${kind}.`)) parts[name.slice(kind.length + 1)] = text;
    }
  }
  return parts;
}
