/**
 * What is measured once of a device, instead of a list of names.
 *
 * Low parallelism: it runs few threads at a time, as a CPU that executes shaders does. There, barriers
 * and workgroup memory only cost, and each thread should do much.
 */
import {
  bind,
  compile,
  type DeviceTraits,
  dispatch,
  type Kernel,
  timeOf,
  upload,
} from "../kernels/index.ts";
import parallelismWgsl from "./parallelism.wgsl?raw";

type TraitParams = { readonly steps: number; readonly groups: number };

/** With a = 1 and b = 0 the result is the thread's number. */
export const parallelismKernel: Kernel<TraitParams> = {
  name: "parallelism",
  wgsl: parallelismWgsl,
  packParams({ steps }) {
    const bytes = new ArrayBuffer(16);
    new Uint32Array(bytes)[0] = steps;
    new Float32Array(bytes).set([1, 0], 1);
    return bytes;
  },
  workgroups: ({ groups }) => [groups, 1, 1],
};

const THREADS = 64;
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

/** About 150 ms. */
export async function measureTraits(
  device: GPUDevice,
  submitWhileWaiting: boolean,
): Promise<DeviceTraits> {
  const out = upload(device, { output: MANY_GROUPS * THREADS });
  const compiled = await compile(device, parallelismKernel);
  const time = async (params: TraitParams) => {
    const bytes = new Uint8Array(parallelismKernel.packParams(params));
    const uniform = upload(device, bytes, GPUBufferUsage.UNIFORM);
    const group = bind(device, compiled, [uniform, out]);
    const record = (pass: GPUComputePassEncoder) =>
      dispatch(pass, compiled, group, parallelismKernel.workgroups(params));
    const ms = await timeOf(device, record, { runs: 2, submitWhileWaiting });
    uniform.destroy();
    return ms / params.steps;
  };
  let [few, many] = [Infinity, Infinity];
  // Alternating, so that other work on the machine disturbs both alike.
  for (let round = 0; round < ROUNDS; round++) {
    few = Math.min(few, await time({ groups: FEW_GROUPS, steps: FEW_STEPS }));
    many = Math.min(many, await time({ groups: MANY_GROUPS, steps: STEPS }));
  }
  out.destroy();
  return { lowParallelism: many / few > LOW_RATIO };
}
