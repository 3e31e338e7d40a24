/**
 * Whether a device runs few threads at a time, as a CPU that executes shaders does. There, barriers
 * and workgroup memory only cost, and each thread should do much. One small measurement instead of
 * a list of names.
 */
import { bind, compile, dispatch, type Kernel, timeOf, upload } from "../kernels/index.ts";
import wgsl from "./parallelism.wgsl?raw";

type ParallelismParams = { readonly steps: number; readonly groups: number };

/** With a = 1 and b = 0 the result is the thread's number. */
export const parallelismKernel: Kernel<ParallelismParams> = {
  name: "parallelism",
  wgsl,
  packParams({ steps }) {
    const bytes = new ArrayBuffer(16);
    new Uint32Array(bytes)[0] = steps;
    new Float32Array(bytes).set([1, 0], 1);
    return bytes;
  },
  workgroups: ({ groups }) => [groups, 1, 1],
};

const FEW_GROUPS = 4;
const MANY_GROUPS = 256;
/** Long enough that a launch is negligible: few groups take more steps, and their time is scaled. */
const STEPS = 1000;
const FEW_STEPS = 16_000;

/**
 * 16,384 threads run at once on most GPUs, or in a few waves; 64 times the work
 * of 256 threads takes 64 times as long on two cores, 16 times on sixteen.
 */
const LOW_RATIO = 8;

const ROUNDS = 3;

/** About 150 ms in all. */
export async function hasLowParallelism(
  device: GPUDevice,
  submitWhileWaiting: boolean,
): Promise<boolean> {
  const out = upload(device, { output: MANY_GROUPS * 64 });
  const compiled = await compile(device, parallelismKernel);
  const runs = [
    { groups: FEW_GROUPS, steps: FEW_STEPS },
    { groups: MANY_GROUPS, steps: STEPS },
  ].map((params) => {
    const bytes = new Uint8Array(parallelismKernel.packParams(params));
    const uniform = upload(device, bytes, GPUBufferUsage.UNIFORM);
    const group = bind(device, compiled, [uniform, out]);
    const record = (pass: GPUComputePassEncoder) =>
      dispatch(pass, compiled, group, parallelismKernel.workgroups(params));
    return { uniform, record, steps: params.steps, bestMs: Infinity };
  });
  // Alternating, so that other work on the machine disturbs both alike.
  for (let round = 0; round < ROUNDS; round++) {
    for (const run of runs) {
      run.bestMs = Math.min(
        run.bestMs,
        await timeOf(device, run.record, { runs: 2, submitWhileWaiting }),
      );
    }
  }
  for (const { uniform } of runs) uniform.destroy();
  out.destroy();
  const [few, many] = runs.map(({ bestMs, steps }) => bestMs / steps);
  return many! / few! > LOW_RATIO;
}
