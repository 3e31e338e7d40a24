/**
 * What is measured once of a device, instead of a list of names. Small kernels, since attention's own
 * ones compile for seconds on software adapters.
 *
 * Low parallelism: it runs few threads at a time, as a CPU that executes shaders does. There, barriers
 * and workgroup memory only cost, and each thread should do much.
 *
 * Unpacking: whether pairs of f16 become floats faster with the builtin or with shifts. On a CPU
 * without an instruction for it, the builtin took half of attention's time.
 */
import {
  bind,
  compile,
  type DeviceTraits,
  dispatch,
  expandTemplate,
  type Float16Unpack,
  type Kernel,
  timeOf,
  unpackPart,
  upload,
} from "../kernels/index.ts";
import unpackWgsl from "./float16-unpack.wgsl?raw";
import parallelismWgsl from "./parallelism.wgsl?raw";

type TraitParams = { readonly steps: number; readonly groups: number };

const workgroups = ({ groups }: TraitParams) => [groups, 1, 1] as const;

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
  workgroups,
};

/** Two numbers near 1 in each word. */
const WORDS = 0x3c003c00;

/** Sums `steps` times eight times four numbers. */
export const unpackKernel = (unpack: Float16Unpack, words = WORDS): Kernel<TraitParams> => ({
  name: `float16_unpack ${unpack}`,
  wgsl: expandTemplate(unpackWgsl, {}, { unpack: unpackPart(unpack) }),
  packParams: ({ steps }) => Uint32Array.of(steps, words, 0, 0).buffer,
  workgroups,
});

const THREADS = 64;
const FEW_GROUPS = 4;
const MANY_GROUPS = 256;
/** Long enough that a launch is negligible: few groups take more steps, and their time is scaled. */
const STEPS = 1000;
const FEW_STEPS = 16_000;
const UNPACK_PARAMS = { steps: 64, groups: 64 };

/**
 * 16,384 threads run at once on most GPUs, or in a few waves; 64 times the work
 * of 256 threads takes 64 times as long on two cores, 16 times on sixteen.
 */
const LOW_RATIO = 8;

const ROUNDS = 3;

/** About 150 ms, and 100 ms more where parallelism is low. */
export async function measureTraits(
  device: GPUDevice,
  submitWhileWaiting: boolean,
): Promise<DeviceTraits> {
  const out = upload(device, { output: MANY_GROUPS * THREADS });
  const time = async (kernel: Kernel<TraitParams>, params: TraitParams) => {
    const compiled = await compile(device, kernel);
    const bytes = new Uint8Array(kernel.packParams(params));
    const uniform = upload(device, bytes, GPUBufferUsage.UNIFORM);
    const group = bind(device, compiled, [uniform, out]);
    const record = (pass: GPUComputePassEncoder) =>
      dispatch(pass, compiled, group, kernel.workgroups(params));
    const ms = await timeOf(device, record, { runs: 2, submitWhileWaiting });
    uniform.destroy();
    return ms / params.steps;
  };
  let [few, many] = [Infinity, Infinity];
  // Alternating, so that other work on the machine disturbs both alike.
  for (let round = 0; round < ROUNDS; round++) {
    few = Math.min(few, await time(parallelismKernel, { groups: FEW_GROUPS, steps: FEW_STEPS }));
    many = Math.min(many, await time(parallelismKernel, { groups: MANY_GROUPS, steps: STEPS }));
  }
  const lowParallelism = many / few > LOW_RATIO;
  const isShiftFaster =
    lowParallelism &&
    (await time(unpackKernel("shift"), UNPACK_PARAMS)) <
      (await time(unpackKernel("builtin"), UNPACK_PARAMS));
  out.destroy();
  return { lowParallelism, float16Unpack: isShiftFaster ? "shift" : "builtin" };
}
