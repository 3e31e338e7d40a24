/**
 * What a matrix kernel asks of memory on a wide GPU, counted and not timed: its own text
 * is run with every load noted, and the loads are grouped as a GPU issues them, 32 threads
 * at a time, each group costing the 32-byte sectors that it touches. For variants that no
 * adapter at hand is made for.
 *
 * Threads of a workgroup are taken to run in step, which the kernels' loops allow.
 */
import { packedRow } from "../../src/kernels/weights-pack.ts";
import { matWgsl, workgroupTile, type MatVariant } from "../../src/kernels/mat-source.ts";
import { EPILOGUES, matWorkgroups } from "../../src/kernels/mat.ts";
import type { Kernel } from "../../src/kernels/runner.ts";
import { run, upload } from "../../src/kernels/runner-once.ts";
import type { MatJob } from "../../src/kernels/tune-bench.ts";

export type TrafficCase = Pick<MatJob, "format" | "activations"> & { readonly tokens: number };

export type Traffic = {
  /** Threads that a 4,096 x 4,096 matrix gives the device at once. */
  readonly threads: number;
  /** Times that a weight is loaded and converted, for each token. */
  readonly conversions: number;
  /** Bytes of quants and scales that the threads ask for, for each weight and token. */
  readonly weightBytes: number;
  /** Bytes of the sectors that these loads touch: what moves where no cache helps. */
  readonly weightSectorBytes: number;
  /** The same for the activations. */
  readonly inputBytes: number;
  readonly inputSectorBytes: number;
};

const WARP = 32;
const SECTOR_BYTES = 32;
const COLUMNS = 4096;
const WIDE_ROWS = 4096;
const MOST_ENTRIES = 1 << 20;

/** Loads are noted by the buffer's number here. */
const BUFFERS = ["quants", "scales", "x", "x_scales"] as const;

const TRACE = `
struct Trace { count: atomic<u32>, entries: array<vec4<u32>> }
@group(0) @binding(9) var<storage, read_write> trace: Trace;
var<private> traced = 0u;
var<private> traced_by = 0u;
fn noted(buffer: u32, index: u32) -> u32 {
  let i = atomicAdd(&trace.count, 1u);
  if (i < arrayLength(&trace.entries)) {
    trace.entries[i] = vec4<u32>(traced_by, traced, buffer, index);
  }
  traced++;
  return index;
}
`;

/** The kernel's text with each load of `BUFFERS` noted. */
function tracedWgsl(wgsl: string, variant: MatVariant): string {
  const [, head, body] = /^([\s\S]*fn main\([\s\S]*?\n\) \{)([\s\S]*)$/.exec(wgsl)!;
  const thread = variant.kind === "threads" ? "thread.x" : "local";
  const noted = BUFFERS.reduce((text, name, i) => noteLoads(text, name, i), body!);
  const [enables, rest] = splitEnables(head!);
  return `${enables}${TRACE}${rest}\n  traced_by = ${thread};\n${noted}`;
}

function splitEnables(text: string): [string, string] {
  const lines = text.split("\n");
  const isEnable = (line: string) => line.startsWith("enable ");
  return [
    lines.filter(isEnable).join("\n") + "\n",
    lines.filter((line) => !isEnable(line)).join("\n"),
  ];
}

/** name[index] becomes name[noted(number, index)], with brackets inside the index. */
function noteLoads(text: string, name: string, number: number): string {
  const start = new RegExp(`(?<![\\w.])${name}\\[`, "g");
  let out = "";
  let at = 0;
  for (let match = start.exec(text); match !== null; match = start.exec(text)) {
    let end = start.lastIndex;
    for (let depth = 1; depth > 0; end++) {
      if (text[end] === "[") depth++;
      if (text[end] === "]") depth--;
    }
    const index = text.slice(start.lastIndex, end - 1);
    out += `${text.slice(at, start.lastIndex)}noted(${number}u, ${index})]`;
    at = end;
    start.lastIndex = end;
  }
  return out + text.slice(at);
}

/** Runs one workgroup of the variant and counts. */
export async function traffic(
  device: GPUDevice,
  { format, activations, tokens }: TrafficCase,
  variant: MatVariant,
): Promise<Traffic> {
  const source = { format, activations, norm: false, epilogue: EPILOGUES.store, variant };
  const wgsl = tracedWgsl(matWgsl(source), variant);
  const tile = workgroupTile(variant);
  const { rows } = tile;
  const { quantBytes, metaWords } = packedRow(format, COLUMNS);
  const kernel: Kernel<null> = {
    name: "traced",
    wgsl,
    packParams() {
      const bytes = new ArrayBuffer(32);
      new Uint32Array(bytes).set([rows, 0, rows, COLUMNS / 32, metaWords, rows]);
      return bytes;
    },
    workgroups: () => [1, 1, 1],
  };
  const values = tokens * COLUMNS;
  const trace = upload(device, new Uint32Array(4 + 4 * MOST_ENTRIES));
  const batch = upload(device, Uint32Array.of(tokens, 0, 0, 0), GPUBufferUsage.UNIFORM);
  const zeros = (bytes: number) => new Uint32Array(bytes / 4);
  const inputs =
    activations === "float" ? [zeros(values * 4)] : [zeros(values), zeros((values / 32) * 8)];
  const results = await run(
    device,
    kernel,
    [
      batch,
      zeros(rows * quantBytes),
      zeros(rows * metaWords * 4),
      ...inputs,
      { output: tokens * rows },
      trace,
    ],
    null,
  );
  for (const buffer of [trace, batch]) buffer.destroy();
  const words = new Uint32Array(results.at(-1)!.buffer);
  const count = words[0]!;
  if (count > MOST_ENTRIES) throw new RangeError(`${count} loads do not fit the trace`);
  const xBytes = /var<storage, read> x: array<vec2/.test(wgsl) ? 8 : 16;
  const counted = countSectors(words.subarray(4), count, [16, 4, xBytes, 8]);
  const work = rows * COLUMNS * Math.min(tokens, tile.tokens);
  const [quants, scales, x, xScales] = counted;
  const groups = matWorkgroups(variant, WIDE_ROWS, tokens).reduce((a, b) => a * b, 1);
  return {
    threads: groups * (variant.kind === "tile" ? 64 : variant.workgroup),
    conversions: Math.ceil(tokens / tile.tokens) / tokens,
    weightBytes: (quants!.bytes + scales!.bytes) / work,
    weightSectorBytes: (quants!.sectorBytes + scales!.sectorBytes) / work,
    inputBytes: (x!.bytes + xScales!.bytes) / work,
    inputSectorBytes: (x!.sectorBytes + xScales!.sectorBytes) / work,
  };
}

/** Bytes asked for and sectors touched of each buffer; a warp's n-th load is one access. */
function countSectors(entries: Uint32Array, count: number, sizes: readonly number[]) {
  const totals = sizes.map(() => ({ bytes: 0, sectorBytes: 0 }));
  const touched = new Set<string>();
  for (let i = 0; i < count; i++) {
    const [thread, order, buffer, index] = entries.subarray(4 * i, 4 * i + 4);
    const size = sizes[buffer!]!;
    totals[buffer!]!.bytes += size;
    const sector = Math.floor((index! * size) / SECTOR_BYTES);
    const key = `${Math.floor(thread! / WARP)} ${order} ${buffer} ${sector}`;
    if (!touched.has(key)) totals[buffer!]!.sectorBytes += SECTOR_BYTES;
    touched.add(key);
  }
  return totals;
}
