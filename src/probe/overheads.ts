/** What a dispatch and a readback cost by themselves, and whether nudging helps. */
import { bind, compile, dispatch, type Kernel } from "../kernels/runner.ts";
import { upload } from "../kernels/runner-once.ts";
import type { Completion } from "./completion.ts";
import { measureRate, median } from "./timing.ts";
import emptyWgsl from "./empty.wgsl?raw";

export type Readback = { readonly readbackMs: number; readonly nudgeHelps: boolean };

/** Plain readbacks take up to 100 ms each (Firefox without the nudge). */
const ROUNDS = 3;
const NUDGED_A_ROUND = 5;

/** Below this a readback is fast enough that nudging is only noise. */
const SLOW_READBACK_MS = 5;

/**
 * Leaves `completion.nudge` as it helps. Both ways take turns, so that a busy
 * moment of the machine slows both and not one.
 */
export async function measureReadback(completion: Completion): Promise<Readback> {
  const time = (nudge: boolean) => {
    completion.nudge = nudge;
    return completion.time(() => undefined);
  };
  await time(false);
  const [plain, nudged]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    plain.push(await time(false));
    for (let i = 0; i < NUDGED_A_ROUND; i += 1) nudged.push(await time(true));
  }
  const [plainMs, nudgedMs] = [median(plain), median(nudged)];
  const nudgeHelps = plainMs > SLOW_READBACK_MS && nudgedMs < plainMs / 2;
  completion.nudge = nudgeHelps;
  return { readbackMs: nudgeHelps ? nudgedMs : plainMs, nudgeHelps };
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
    // One alone would be lost in the readback's jitter, and a pause be taken for it.
    leastRepeats: 64,
    maxRepeats: 2048,
    budgetMs,
  });
  shape.destroy();
  return 1 / dispatchesPerMs;
}
