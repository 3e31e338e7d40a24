/** Whether a candidate's results agree with the reference: reads them back and compares. */
import { workDone } from "../kernels/index.ts";

/** The largest difference over the root mean square of the expected values; NaN if a result is NaN. */
export function disagreement(
  actual: Float32Array,
  expected: Float32Array | Float64Array<ArrayBufferLike>,
): number {
  let squares = 0;
  for (const value of expected) squares += value * value;
  const scale = Math.sqrt(squares / expected.length);
  let worst = 0;
  for (const [i, value] of expected.entries()) {
    const off = Math.abs(actual[i]! - value) / scale;
    if (!(off <= worst)) worst = off;
  }
  return worst;
}

/** `size` bytes of a buffer from byte `at`, as f32. */
export async function readBack(device: GPUDevice, source: GPUBuffer, at: number, size: number) {
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  const staging = device.createBuffer({ size, usage });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(source, at, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  const mapped = staging.mapAsync(GPUMapMode.READ);
  await workDone(device, true);
  await mapped;
  const results = new Float32Array(staging.getMappedRange().slice(0));
  staging.destroy();
  return results;
}
