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
