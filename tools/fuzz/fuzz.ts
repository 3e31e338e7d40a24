/**
 * Feeds a decoder seeded inputs and reports the first that it handles badly:
 *
 *   threw       an error that is not the decoder's own, also later (an unhandled rejection)
 *   slow        more than 50 ms of CPU time, three times in a row, so that a busy machine does not count
 *   allocated   more than 1 MB and 4 times the bytes of the input, short-lived objects included; three
 *               times in a row
 *
 * Input `i` depends only on `seed + i`, so that the seed that a finding names, with a count of 1,
 * repeats it. Runs in Node.
 */
import { setImmediate } from "node:timers/promises";
import { getHeapStatistics } from "node:v8";
import { randomFrom, type Random } from "../placement/random.ts";
import type { Bytes } from "./mutate.ts";

export type FuzzTarget<Input extends Bytes | string = Bytes | string> = {
  readonly name: string;
  readonly generate: (random: Random) => Input;
  /** Decodes an input, in this task or in a promise. */
  readonly decode: (input: Input) => unknown;
  /** Whether an error that `decode` threw is the decoder's own. */
  readonly isRefusal: (error: unknown) => boolean;
  /** What the decoder may allocate beside four times the input's bytes. Default: 1 MB. */
  readonly allowedBytes?: number;
};

export type Finding = {
  readonly target: string;
  readonly kind: "threw" | "slow" | "allocated";
  readonly detail: string;
  readonly seed: number;
  /** As short as it could be made: text as JSON, bytes in hex. */
  readonly input: string;
};

export type FuzzOptions = {
  readonly count: number;
  readonly seed: number;
  readonly onProgress?: (done: number) => void;
};

const MAX_MS = 50;
const ATTEMPTS = 3;
/** After this many inputs, rejections that no one handles have been reported. */
const BATCH = 500;
const MAX_SHRINKS = { threw: 400, allocated: 400, slow: 20 };

type Problem = Pick<Finding, "kind" | "detail">;

export async function fuzz<Input extends Bytes | string>(
  target: FuzzTarget<Input>,
  { count, seed, onProgress }: FuzzOptions,
): Promise<Finding | null> {
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown) => void rejections.push(reason);
  process.on("unhandledRejection", onRejection);
  // Most inputs are refused with an error, whose stack takes longer than the decoding.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const input = (index: number) => target.generate(randomFrom(seed + index));
  try {
    for (let start = 0; start < count; start += BATCH) {
      const end = Math.min(count, start + BATCH);
      for (let index = start; index < end; index++) {
        const problem = await problemOf(target, input(index));
        if (problem === null) continue;
        Error.stackTraceLimit = stackTraceLimit;
        return await finding(target, seed + index, input(index), problem);
      }
      await setImmediate();
      if (rejections.length > 0) return await rejected(target, seed, start, end, rejections);
      onProgress?.(end);
    }
    return null;
  } finally {
    process.off("unhandledRejection", onRejection);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Throws an error that shows the finding and how to repeat it. */
export async function expectRobust<Input extends Bytes | string>(
  target: FuzzTarget<Input>,
  options: FuzzOptions,
): Promise<void> {
  const found = await fuzz(target, options);
  if (found !== null) throw new Error(describeFinding(found));
}

export function describeFinding({ target, kind, detail, seed, input }: Finding): string {
  return `${target} ${kind}: ${detail}\n  repeat: npm run fuzz -- ${target} --seed ${seed} --count 1\n  input: ${input}`;
}

async function problemOf<Input extends Bytes | string>(
  target: FuzzTarget<Input>,
  input: Input,
): Promise<Problem | null> {
  const inputBytes = typeof input === "string" ? 2 * input.length : input.length;
  const allowedBytes = 4 * inputBytes + (target.allowedBytes ?? 2 ** 20);
  let problem: Problem | null = null;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const heldBefore = heldBytes();
    const started = performance.now();
    const cpu = process.cpuUsage();
    try {
      const result = target.decode(input);
      if (result instanceof Promise) await result;
    } catch (error) {
      if (!target.isRefusal(error)) return { kind: "threw", detail: describe(error) };
    }
    // CPU time has a coarse clock, so it is read only after a long time by the other one.
    const ms = performance.now() - started > MAX_MS ? cpuMs(process.cpuUsage(cpu)) : 0;
    const bytes = heldBytes() - heldBefore;
    problem =
      ms > MAX_MS
        ? { kind: "slow", detail: `${ms.toFixed(0)} ms of CPU time for ${inputBytes} bytes` }
        : bytes > allowedBytes
          ? { kind: "allocated", detail: `${bytes} bytes for ${inputBytes}` }
          : null;
    if (problem === null) return null;
  }
  return problem;
}

function cpuMs({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}

/** Grows by what is allocated, until memory is collected. */
function heldBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

async function rejected<Input extends Bytes | string>(
  target: FuzzTarget<Input>,
  seed: number,
  start: number,
  end: number,
  rejections: unknown[],
): Promise<Finding> {
  const detail = `unhandled rejection: ${describe(rejections[0])}`;
  for (let index = start; index < end; index++) {
    rejections.length = 0;
    const input = target.generate(randomFrom(seed + index));
    await problemOf(target, input);
    await setImmediate();
    if (rejections.length > 0)
      return {
        target: target.name,
        kind: "threw",
        detail,
        seed: seed + index,
        input: shown(input),
      };
  }
  return {
    target: target.name,
    kind: "threw",
    detail,
    seed: seed + start,
    input: `of ${end - start}`,
  };
}

async function finding<Input extends Bytes | string>(
  target: FuzzTarget<Input>,
  seed: number,
  input: Input,
  problem: Problem,
): Promise<Finding> {
  const shrunk = await shrink(input, MAX_SHRINKS[problem.kind], async (smaller) => {
    return (await problemOf(target, smaller))?.kind === problem.kind;
  });
  const { detail } = (await problemOf(target, shrunk)) ?? problem;
  return { target: target.name, kind: problem.kind, detail, seed, input: shown(shrunk) };
}

/** Removes ever smaller parts as long as the input keeps its problem. */
async function shrink<Input extends Bytes | string>(
  input: Input,
  attempts: number,
  hasProblem: (smaller: Input) => Promise<boolean>,
): Promise<Input> {
  let best = input;
  let left = attempts;
  for (let part = Math.ceil(best.length / 2); part >= 1; part = Math.floor(part / 2)) {
    for (let at = 0; at < best.length && left > 0; left--) {
      const smaller = without(best, at, at + part);
      if (await hasProblem(smaller)) best = smaller;
      else at += part;
    }
  }
  return best;
}

function without<Input extends Bytes | string>(input: Input, start: number, end: number): Input {
  if (typeof input === "string") return (input.slice(0, start) + input.slice(end)) as Input;
  const bytes = new Uint8Array(input.length - (Math.min(end, input.length) - start));
  bytes.set(input.subarray(0, start));
  bytes.set(input.subarray(end), start);
  return bytes as Input;
}

function shown(input: Bytes | string): string {
  const text =
    typeof input === "string" ? JSON.stringify(input) : Buffer.from(input).toString("hex");
  return text.length > 600 ? `${text.slice(0, 600)} (${input.length} in all)` : text;
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.stack ?? error.message}` : String(error);
}
