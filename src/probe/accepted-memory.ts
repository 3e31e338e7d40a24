/**
 * How many bytes of buffers an adapter really accepts, up to an estimate. A browser does not say how
 * much memory a GPU has; a driver refuses what it does not have.
 */

const STEP_BYTES = 512 * 2 ** 20;

/** What is left for the desktop, other tabs, and the driver, where the adapter refused more. */
const SHARE_OF_LIMIT = 0.8;

/**
 * Allocates in steps until `wantedBytes` or the first refusal, frees everything, and resolves with the
 * bytes that a tab may use. `open` gives a device of its own, since a driver may answer with its loss.
 */
export async function acceptedMemory(
  open: () => Promise<GPUDevice>,
  wantedBytes: number,
): Promise<number> {
  const device = await open();
  const buffers: GPUBuffer[] = [];
  const step = Math.min(STEP_BYTES, device.limits.maxBufferSize);
  let acceptedBytes = 0;
  let isLost = false;
  void device.lost.then(() => (isLost = true));
  try {
    while (acceptedBytes < wantedBytes) {
      const size = Math.min(step, Math.ceil((wantedBytes - acceptedBytes) / 4) * 4);
      device.pushErrorScope("validation");
      device.pushErrorScope("out-of-memory");
      buffers.push(device.createBuffer({ size, usage: GPUBufferUsage.STORAGE }));
      const errors = await Promise.all([device.popErrorScope(), device.popErrorScope()]);
      if (isLost || errors.some((error) => error !== null)) break;
      acceptedBytes += size;
    }
  } catch {
    // A lost device rejects: what it accepted before counts.
  } finally {
    for (const buffer of buffers) buffer.destroy();
    device.destroy();
  }
  return acceptedBytes >= wantedBytes ? wantedBytes : Math.floor(acceptedBytes * SHARE_OF_LIMIT);
}
