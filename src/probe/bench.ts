/** What the probe's benchmarks share: how a rate is measured. */
import { bind, compile, dispatch, type Kernel, timeRepeats, upload } from "../kernels/index.ts";
import type { Completion, RecordWork } from "./completion.ts";

export type Bench = {
  readonly device: GPUDevice;
  readonly completion: Completion;
  /** What a readback of nothing takes. */
  readonly overheadMs: number;
  readonly budgetMs: number;
  /** Makes the buffers small: a software adapter pages in what it touches. */
  readonly software: boolean;
};

/** Short, for many samples within the budget; the overhead is subtracted. */
const SAMPLE_MS = 6;

/** Units per millisecond of the recorded work, of which one repeat does `units`. */
export async function measureRate(
  { completion, overheadMs, budgetMs }: Bench,
  record: RecordWork,
  units: number,
  { minRepeats = 1, maxRepeats = 64 } = {},
): Promise<number> {
  const run = (repeats: number) => completion.time(record, repeats);
  const sampling = { overheadMs, sampleMs: SAMPLE_MS, budgetMs, minRepeats, maxRepeats };
  return units / (await timeRepeats({ run, ...sampling }));
}

/** One dispatch of `kernel`, with storage buffers of these sizes after its uniform. */
export async function prepareDispatch<Params>(
  device: GPUDevice,
  kernel: Kernel<Params>,
  params: Params,
  storageBytes: readonly number[],
): Promise<{ readonly record: RecordWork; readonly destroy: () => void }> {
  const compiled = await compile(device, kernel);
  const uniform = upload(device, new Uint8Array(kernel.packParams(params)), GPUBufferUsage.UNIFORM);
  const storage = storageBytes.map((size) =>
    device.createBuffer({ size, usage: GPUBufferUsage.STORAGE }),
  );
  const buffers = [uniform, ...storage];
  const group = bind(device, compiled, buffers);
  const grid = kernel.workgroups(params);
  return {
    record: (pass) => dispatch(pass, compiled, group, grid),
    destroy: () => buffers.forEach((buffer) => buffer.destroy()),
  };
}
