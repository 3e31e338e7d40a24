/**
 * Whether a device unpacks f16 pairs faster by the builtin or by shifts. Where a CPU
 * executes shaders without an instruction for it, the builtin was half of attention's
 * time. One small measurement, since attention's own kernels compile for seconds there.
 */
import { unpackPart, type Halves } from "./attention.ts";
import { bind, compile, dispatch, type Kernel } from "./runner.ts";
import { upload } from "./runner-once.ts";
import { expandTemplate } from "./template.ts";
import { timeOf } from "./tune-clock.ts";
import wgsl from "./tune-halves.wgsl?raw";

type HalvesParams = { readonly steps: number; readonly words: number };

/** Sums `steps` times eight times four numbers. */
export function halvesKernel(halves: Halves): Kernel<HalvesParams> {
  return {
    name: `halves ${halves}`,
    wgsl: expandTemplate(wgsl, {}, { unpack: unpackPart(halves) }),
    packParams: ({ steps, words }) => Uint32Array.of(steps, words, 0, 0).buffer,
    workgroups: () => [GROUPS, 1, 1],
  };
}

const GROUPS = 64;
const STEPS = 64;
/** Two numbers near 1 in each word. */
const WORDS = 0x3c003c00;

/** About 100 ms in all, compiling included. */
export async function fasterHalves(device: GPUDevice, nudge: boolean): Promise<Halves> {
  const out = upload(device, { output: GROUPS * 16 });
  const times = { builtin: 0, shifted: 0 };
  for (const halves of ["builtin", "shifted"] as const) {
    const kernel = halvesKernel(halves);
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
    times[halves] = await timeOf(device, record, { runs: 2, nudge });
    uniform.destroy();
  }
  out.destroy();
  return times.shifted < times.builtin ? "shifted" : "builtin";
}
