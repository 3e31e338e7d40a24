/** What a dispatch and a readback cost by themselves, and whether nudging helps. */
import { bind, compile, dispatch, type Kernel } from "../kernels/runner.ts";
import { upload } from "../kernels/runner-once.ts";
import type { Completion } from "./completion.ts";
import { measureRate, median } from "./timing.ts";
import emptyWgsl from "./empty.wgsl?raw";

export type Readback = { readonly readbackMs: number; readonly nudgeHelps: boolean };

/** Enough for a median, few enough for 100 ms each (Firefox without the nudge). */
const PLAIN_READBACKS = 3;
const NUDGED_READBACKS = 15;

/** Below this a readback is fast enough that nudging is only noise. */
const SLOW_READBACK_MS = 5;

/** Leaves `completion.nudge` as it helps. */
export async function measureReadback(completion: Completion): Promise<Readback> {
  completion.nudge = false;
  await completion.time(() => undefined);
  const plain = await readback(completion, PLAIN_READBACKS);
  completion.nudge = plain > SLOW_READBACK_MS;
  const better = await readback(completion, NUDGED_READBACKS);
  const nudgeHelps = completion.nudge && better < plain / 2;
  completion.nudge = nudgeHelps;
  return { readbackMs: Math.min(plain, better), nudgeHelps };
}

async function readback(completion: Completion, samples: number): Promise<number> {
  const times = [];
  for (let sample = 0; sample < samples; sample += 1) {
    times.push(await completion.time(() => undefined));
  }
  return median(times);
}

const emptyKernel: Kernel<null> = {
  name: "probe_empty",
  wgsl: emptyWgsl,
  packParams: () => new ArrayBuffer(16),
  workgroups: () => [1, 1, 1],
};

/** Milliseconds of one dispatch among many in a pass. */
export async function measureDispatch(
  device: GPUDevice,
  completion: Completion,
  overheadMs: number,
  budgetMs: number,
): Promise<number> {
  const compiled = await compile(device, emptyKernel);
  const shape = upload(device, new Uint8Array(16), GPUBufferUsage.UNIFORM);
  const group = bind(device, compiled, [shape]);
  const dispatchesPerMs = await measureRate({
    run: (repeats) =>
      completion.time((encoder) => {
        const pass = encoder.beginComputePass();
        for (let i = 0; i < repeats; i += 1) dispatch(pass, compiled, group, [1, 1, 1]);
        pass.end();
      }),
    unitsPerRepeat: 1,
    overheadMs,
    maxRepeats: 2048,
    budgetMs,
  });
  shape.destroy();
  return 1 / dispatchesPerMs;
}
