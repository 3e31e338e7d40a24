/** The device of this test file; made once. Without an adapter the tests fail, and say why. */
import { requestKernelDevice } from "../../src/kernels/index.ts";

let device: Promise<GPUDevice> | null = null;

export function testDevice(): Promise<GPUDevice> {
  device ??= requestKernelDevice();
  return device;
}
