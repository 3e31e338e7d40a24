/** Buffers with initial contents. */
export type HostArray = Float32Array | Uint32Array | Int32Array | Uint8Array | Uint16Array;

/** A new buffer with the array's bytes, padded to whole words; an output is filled with NaN. */
export function upload(
  device: GPUDevice,
  input: HostArray | { readonly output: number },
  usage: GPUBufferUsageFlags = GPUBufferUsage.STORAGE,
): GPUBuffer {
  const data = "output" in input ? new Float32Array(input.output).fill(NaN) : input;
  const size = Math.max(16, Math.ceil(data.byteLength / 4) * 4);
  const buffer = device.createBuffer({
    size,
    usage: usage | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    mappedAtCreation: true,
  });
  new Uint8Array(buffer.getMappedRange()).set(
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
  buffer.unmap();
  return buffer;
}

/** Writes bytes, whole words of them, into a buffer from `offset` on. */
export type WriteBytes = (
  device: GPUDevice,
  bytes: Uint8Array<ArrayBuffer>,
  target: GPUBuffer,
  offset: number,
) => void;

/** The faster way on software adapters (bench/engine/load-phases.ts compares them). */
export const writeQueued: WriteBytes = (device, bytes, target, offset) =>
  device.queue.writeBuffer(target, offset, bytes);

/** Through a buffer that is mapped when it is created: half the time of `writeQueued` on a GPU. */
export const writeMapped: WriteBytes = (device, bytes, target, offset) => {
  const { length: size } = bytes;
  const usage = GPUBufferUsage.COPY_SRC;
  const staging = device.createBuffer({ label: "upload", size, usage, mappedAtCreation: true });
  new Uint8Array(staging.getMappedRange()).set(bytes);
  staging.unmap();
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(staging, 0, target, offset, size);
  device.queue.submit([encoder.finish()]);
  staging.destroy();
};
