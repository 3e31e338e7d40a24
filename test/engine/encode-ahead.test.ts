/** A step that was encoded before its rows were known submits the commands that it would encode then. */
import { expect, test } from "vitest";
import { beginLoad } from "../../src/engine/load-shard.ts";
import type { ShardOptions } from "../../src/engine/types.ts";
import { setTuner } from "../../tools/engine/fixed-tuner.ts";
import { GREEDY_REQUEST } from "../../tools/engine/generate.ts";
import { describeShape, MODEL_SHAPES } from "../../tools/engine/model-shapes.ts";
import { ADAPTERS } from "../../tools/gpu/adapters.ts";
import { plannedDevice } from "../../tools/gpu/planned-device.ts";

const OPTIONS: ShardOptions = {
  ...{ contextTokens: 1024, sequences: 2, activations: "int8" },
  ...{ memoryBudgetBytes: Infinity, submitWhileWaiting: false },
};

/** Rows of each step: one sequence past a growth of the cache, both, then the first again. */
const STEPS: (readonly (readonly [sequence: number, position: number])[])[] = [
  ...[507, 508, 509, 510, 511, 512, 513, 514, 515].map((position) => [[0, position]] as const),
  ...[516, 517, 518].map((position) => {
    return [
      [0, position],
      [1, position],
    ] as const;
  }),
  ...[519, 520, 521].map((position) => [[0, position]] as const),
];

/** A device that logs what each submit runs; objects are named by the order of their creation. */
function loggingDevice() {
  const { device } = plannedDevice(ADAPTERS[0]!);
  const submitted: string[][] = [];
  let groups = 0;
  const encode = () => {
    const commands: string[] = [];
    const add = (command: string) => void commands.push(command);
    const pass = {
      setPipeline: () => undefined,
      setBindGroup: (_: number, { id }: { readonly id: number }) => add(`group ${id}`),
      dispatchWorkgroups: (...grid: number[]) => add(`dispatch ${grid.join()}`),
      end: () => undefined,
    };
    return {
      beginComputePass: () => pass,
      copyBufferToBuffer: (from: GPUBuffer, ...rest: unknown[]) =>
        add(`copy ${from.label} ${String(rest.at(-1))}`),
      finish: () => commands,
    };
  };
  Object.assign(device, {
    createCommandEncoder: encode,
    createBindGroup: () => ({ id: groups++ }),
  });
  Object.assign(device.queue, {
    submit: ([commands]: string[][]) => void (commands && submitted.push(commands)),
  });
  return { device, submitted };
}

async function run(lowParallelism: boolean, encodesAhead: boolean, steps = STEPS) {
  const { device, submitted } = loggingDevice();
  const traits = { lowParallelism };
  const gpu = { device, tuner: setTuner(device, { traits, activations: "int8", index: 0 }) };
  const shape = describeShape(MODEL_SHAPES[0]!, OPTIONS.contextTokens);
  const noWeights = { read: () => Promise.reject(new Error("no weights are read")) };
  const nothing = () => undefined;
  const load = await beginLoad(gpu, shape, OPTIONS, noWeights, nothing, nothing);
  const { shard } = await load.prepared;
  submitted.length = 0;
  const encoded: number[] = [];
  for (const rows of steps) {
    const before = shard.counters().dispatches;
    const step = shard.step(
      rows.map(([sequence, position]) => ({
        ...{ sequence, position, token: 1, sample: GREEDY_REQUEST },
      })),
      null,
    );
    encoded.push(shard.counters().dispatches - before);
    await step;
    if (encodesAhead) shard.encodeAhead();
  }
  return { submitted, encodedNow: encoded.map((dispatches) => dispatches > 0) };
}

test("on a GPU, a step is encoded before its rows come wherever two before it were alike", async () => {
  const now = await run(false, false);
  const ahead = await run(false, true);
  expect(now.encodedNow).not.toContain(false);
  expect(ahead.submitted).toEqual(now.submitted);
  // One row: the first two steps show the shape, and so does the one after attention is split more.
  expect(ahead.encodedNow.slice(2, 6)).toEqual([false, false, false, false]);
  expect(ahead.encodedNow.slice(7, 9)).toEqual([false, false]);
  expect(ahead.encodedNow.slice(9)).toEqual([true, true, false, true, true, false]);
});

test("on a software adapter, each step is encoded when its rows come", async () => {
  expect((await run(true, true)).encodedNow).not.toContain(false);
});

test("nothing is encoded for a position beyond the context", async () => {
  const last = [1021, 1022, 1023].map((position) => [[0, position]] as const);
  const { encodedNow } = await run(false, true, [...last, [[1, 1023]], [[1, 1023]]]);
  expect(encodedNow).toEqual([true, true, false, true, true]);
});
