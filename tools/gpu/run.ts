/**
 * Runs a kernel once on new buffers and reads its outputs back, for tests. Never on the token path.
 */
import {
  bind,
  compile,
  dispatch,
  type Kernel,
  KernelError,
  upload,
  type HostArray,
} from "../../src/kernels/index.ts";

/** Data for a binding, or the number of 32-bit elements of an output that starts full of NaN. */
export type RunInput = HostArray | GPUBuffer | { readonly output: number };

/**
 * Dispatches once and returns the contents of every `read_write` binding, in
 * order of number, as f32 (reinterpret `.buffer` for other types).
 *
 * `inputs` are bindings 1, 2, ... in order, and binding 0 is filled from `params`; of a kernel
 * without a uniform they are all bindings.
 */
export async function run<Params>(
  device: GPUDevice,
  kernel: Omit<Kernel<Params>, "packParams"> & Partial<Kernel<Params>>,
  inputs: readonly RunInput[],
  params: Params,
): Promise<Float32Array<ArrayBuffer>[]> {
  const compiled = await compile(device, kernel);
  const numbers = [...compiled.bindings.keys()].sort((a, b) => a - b);
  const owned: GPUBuffer[] = [];
  device.pushErrorScope("validation");
  device.pushErrorScope("out-of-memory");
  const { packParams } = kernel;
  const uniforms = packParams === undefined ? [] : [new Uint8Array(packParams(params))];
  const all: RunInput[] = [...uniforms, ...inputs];
  const buffers = all.map((input, i) => {
    if (input instanceof GPUBuffer) return input;
    const uniform = compiled.bindings.get(numbers[i] ?? -1) === "uniform";
    const buffer = upload(device, input, uniform ? GPUBufferUsage.UNIFORM : GPUBufferUsage.STORAGE);
    owned.push(buffer);
    return buffer;
  });
  const group = bind(device, compiled, buffers);
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  dispatch(pass, compiled, group, kernel.workgroups(params));
  pass.end();
  const outputs = buffers.flatMap((buffer, i) =>
    compiled.bindings.get(numbers[i]!) === "storage"
      ? [{ buffer, bytes: byteLength(all[i]!) }]
      : [],
  );
  const staging = outputs.map(({ buffer: output, bytes }) => {
    const copy = device.createBuffer({
      size: output.size,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    owned.push(copy);
    encoder.copyBufferToBuffer(output, 0, copy, 0, output.size);
    return { copy, bytes };
  });
  device.queue.submit([encoder.finish()]);
  const errors = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
  const error = errors.find((one) => one !== null);
  if (error) throw new KernelError(`"${kernel.name}" was rejected by the device: ${error.message}`);
  const results = [];
  for (const { copy, bytes } of staging) {
    await copy.mapAsync(GPUMapMode.READ);
    results.push(new Float32Array(copy.getMappedRange().slice(0, bytes)));
  }
  for (const buffer of owned) buffer.destroy();
  return results;
}

/** Requested bytes; the buffer may be larger. */
function byteLength(input: RunInput): number {
  if (input instanceof GPUBuffer) return input.size;
  return "output" in input ? input.output * 4 : Math.ceil(input.byteLength / 4) * 4;
}
