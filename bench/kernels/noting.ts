/**
 * Instruments a kernel's text: it records each load of the given buffers with its address, the bytes
 * read from workgroup memory, and other sums of the caller. Independent of the kernel. noted-run.ts
 * runs it.
 */

/** Threads that issue a load together; workgroups do not share one. */
export const WARP = 32;
/** The number of sums. */
export const SUMS = 6;

const NOTES = `
struct Notes {
  loads: atomic<u32>,
  workgroup_bytes: atomic<u32>,
  sums: array<atomic<u32>, ${SUMS}>,
  load: array<vec4<u32>>,
}
@group(0) @binding(9) var<storage, read_write> notes: Notes;
var<private> note_thread = 0u;
var<private> note_order = 0u;

fn note_load(buffer: u32, words: u32, word: u32) {
  let i = atomicAdd(&notes.loads, 1u);
  if (i < arrayLength(&notes.load)) {
    notes.load[i] = vec4<u32>(note_thread, note_order, buffer * 8u + words, word);
  }
  note_order++;
}
fn note_element(buffer: u32, words: u32, index: u32) -> u32 {
  note_load(buffer, words, index * words);
  return index;
}
fn note_component(buffer: u32, words: u32, index: u32, component: u32) -> u32 {
  note_load(buffer, 1u, index * words + component);
  return component;
}
fn note_workgroup(bytes: u32, index: u32) -> u32 {
  atomicAdd(&notes.workgroup_bytes, bytes);
  return index;
}
fn add_note(sum: u32, value: u32) {
  atomicAdd(&notes.sums[sum], value);
}
`;

/** Bytes of an element that a buffer or an array in workgroup memory may have. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  u32: 4,
  f32: 4,
  "vec2<f32>": 8,
  "vec4<u32>": 16,
  "vec4<f32>": 16,
};

/** The type of the elements of each array in an address space, by name. */
function elementTypes(wgsl: string, space: "storage" | "workgroup"): Map<string, string> {
  const declared = new RegExp(`^.*var<${space}[^>]*> (\\w+): array<(\\w+(?:<\\w+>)?)`, "gm");
  const types = new Map<string, string>();
  for (const [, name, type] of wgsl.matchAll(declared)) types.set(name!, type!);
  return types;
}

function bytesOf(name: string, type: string): number {
  const bytes = ELEMENT_BYTES[type];
  if (bytes === undefined) throw new Error(`${name} has elements of an unknown size: ${type}`);
  return bytes;
}

/** The text with the loads of `buffers` and of workgroup memory noted. */
export function notedWgsl(wgsl: string, buffers: readonly string[], workgroupSize: number): string {
  const types = elementTypes(wgsl, "storage");
  let text = wgsl;
  buffers.forEach((name, i) => {
    const type = types.get(name);
    if (type !== undefined) text = noteLoads(text, name, elementNotes(i, bytesOf(name, type) / 4));
  });
  for (const [name, type] of elementTypes(wgsl, "workgroup")) {
    text = noteLoads(text, name, (index) => `[note_workgroup(${bytesOf(name, type)}u, ${index})]`);
  }
  const { head, inputs, body } = splitMain(text);
  const local = builtin(inputs, "local_invocation_index", "u32");
  const group = builtin(inputs, "workgroup_id", "vec3<u32>");
  const span = Math.ceil(workgroupSize / WARP) * WARP;
  const start = `note_thread = ${group.name}.x * ${span}u + ${local.name};`;
  const added = `${inputs.replace(/,\s*$/, "")}${local.added}${group.added}`;
  const main = `fn main(${added}) {\n  ${start}${body}`;
  const enables = head.match(/^enable .*$/gm) ?? [];
  const rest = head.replace(/^enable .*$/gm, "");
  return `${enables.join("\n")}\n${NOTES}${rest}${main}`;
}

function splitMain(wgsl: string): { head: string; inputs: string; body: string } {
  const found = /^([\s\S]*?)\bfn main\(([\s\S]*?)\)\s*\{([\s\S]*)$/.exec(wgsl);
  if (found === null) throw new Error("the kernel has no main");
  return { head: found[1]!, inputs: found[2]!, body: found[3]! };
}

/** The name of a builtin among main's inputs, and the input to add where it is not among them. */
function builtin(inputs: string, kind: string, type: string): { name: string; added: string } {
  const found = new RegExp(`@builtin\\(${kind}\\)\\s*(\\w+)`).exec(inputs);
  if (found !== null) return { name: found[1]!, added: "" };
  return { name: `note_${kind}`, added: `, @builtin(${kind}) note_${kind}: ${type}` };
}

type Note = (index: string, component: string | null) => string;

function elementNotes(buffer: number, words: number): Note {
  return (index, component) =>
    component === null
      ? `[note_element(${buffer}u, ${words}u, ${index})]`
      : `[${index}][note_component(${buffer}u, ${words}u, ${index}, ${component})]`;
}

/** Each load name[index] or name[index][component], with brackets inside; not what is assigned to. */
function noteLoads(text: string, name: string, note: Note): string {
  const start = new RegExp(`(?<![\\w.])${name}(?=\\[)`, "g");
  let out = "";
  let at = 0;
  for (let match = start.exec(text); match !== null; match = start.exec(text)) {
    const index = bracketed(text, start.lastIndex)!;
    const component = bracketed(text, index.end);
    const end = component?.end ?? index.end;
    out += text.slice(at, start.lastIndex);
    if (/^\s*=(?!=)/.test(text.slice(end))) out += text.slice(start.lastIndex, end);
    else out += note(index.inner, component?.inner ?? null);
    at = start.lastIndex = end;
  }
  return out + text.slice(at);
}

function bracketed(text: string, start: number): { inner: string; end: number } | null {
  if (text[start] !== "[") return null;
  let end = start + 1;
  for (let depth = 1; depth > 0; end++) {
    if (text[end] === "[") depth++;
    if (text[end] === "]") depth--;
  }
  return { inner: text.slice(start + 1, end - 1), end };
}
