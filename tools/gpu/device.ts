/** The device of this test file, created once. Without an adapter the tests fail with the reason. */
import { requestKernelDevice } from "../../src/kernels/index.ts";

let device: Promise<GPUDevice> | null = null;

export function testDevice(): Promise<GPUDevice> {
  device ??= requestKernelDevice();
  return device;
}
