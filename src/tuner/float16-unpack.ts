/**
 * Whether a device unpacks pairs of f16 faster with the builtin or with shifts. On a CPU without an
 * instruction for it, the builtin took half of attention's time. A small measurement, since
 * attention's own kernels compile for seconds there.
 */
import {
  bind,
  compile,
  dispatch,
  expandTemplate,
  FLOAT16_UNPACKS,
  type Float16Unpack,
  type Kernel,
  timeOf,
  unpackPart,
  upload,
} from "../kernels/index.ts";
import wgsl from "./float16-unpack.wgsl?raw";

type UnpackParams = { readonly steps: number; readonly words: number };

/** Sums `steps` times eight times four numbers. */
export function unpackKernel(unpack: Float16Unpack): Kernel<UnpackParams> {
  return {
    name: `float16_unpack ${unpack}`,
    wgsl: expandTemplate(wgsl, {}, { unpack: unpackPart(unpack) }),
    packParams: ({ steps, words }) => Uint32Array.of(steps, words, 0, 0).buffer,
    workgroups: () => [GROUPS, 1, 1],
  };
}

const GROUPS = 64;
const STEPS = 64;
/** Two numbers near 1 in each word. */
const WORDS = 0x3c003c00;

/** About 100 ms in all, compiling included. */
export async function fasterUnpack(
  device: GPUDevice,
  submitWhileWaiting: boolean,
): Promise<Float16Unpack> {
  const out = upload(device, { output: GROUPS * 16 });
  const times = { builtin: 0, shift: 0 };
  for (const unpack of FLOAT16_UNPACKS) {
    const kernel = unpackKernel(unpack);
    const compiled = await compile(device, kernel);
    const params = { steps: STEPS, words: WORDS };
    const uniform = upload(
      device,
      new Uint8Array(kernel.packParams(params)),
      GPUBufferUsage.UNIFORM,
    );
    const group = bind(device, compiled, [uniform, out]);
    const record = (pass: GPUComputePassEncoder) =>
      dispatch(pass, compiled, group, kernel.workgroups(params));
    times[unpack] = await timeOf(device, record, { runs: 2, submitWhileWaiting });
    uniform.destroy();
  }
  out.destroy();
  return times.shift < times.builtin ? "shift" : "builtin";
}
