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

const STAGING_BYTES = 4 << 20;
const MAX_STAGING_BUFFERS = 8;

/** A mapped buffer, how much of it is written, and the copies out of it. */
type Staging = {
  readonly buffer: GPUBuffer;
  readonly bytes: Uint8Array;
  readonly encoder: GPUCommandEncoder;
  at: number;
};

/**
 * Writes into buffers through a few mapped ones, which are used again: new ones would cost the browser's
 * GPU process three times as much (docs/experiments.md). They bound what is on its way to the GPU.
 */
export class Uploads {
  readonly #device: GPUDevice;
  readonly #stagingBytes: number;
  readonly #buffers: GPUBuffer[] = [];
  /** What was submitted, oldest first, each until it can be written again. */
  readonly #submitted: Promise<GPUBuffer>[] = [];
  #current: Staging | null = null;
  #ended = false;

  /** `stagingBytes` are whole words. */
  constructor(device: GPUDevice, stagingBytes = STAGING_BYTES) {
    this.#device = device;
    this.#stagingBytes = stagingBytes;
  }

  /** Writes whole words from `offset` on, once there is room. One call at a time. Nothing after `end`. */
  async write(bytes: Uint8Array, target: GPUBuffer, offset: number): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const staging = (this.#current ??= await this.#next());
      if (this.#ended) return;
      const part = bytes.subarray(done, done + this.#stagingBytes - staging.at);
      staging.bytes.set(part, staging.at);
      const { buffer, encoder, at } = staging;
      encoder.copyBufferToBuffer(buffer, at, target, offset + done, part.length);
      staging.at += part.length;
      done += part.length;
      if (staging.at === this.#stagingBytes) this.#flush();
    }
  }

  #flush(): void {
    if (this.#current === null) return;
    const { buffer, encoder } = this.#current;
    this.#current = null;
    buffer.unmap();
    this.#device.queue.submit([encoder.finish()]);
    // It fails with the device, which ends the load elsewhere.
    const never = () => new Promise<never>(() => undefined);
    this.#submitted.push(buffer.mapAsync(GPUMapMode.WRITE).then(() => buffer, never));
  }

  /** Submits what is written, and frees the mapped buffers. */
  end(): void {
    this.#ended = true;
    this.#flush();
    for (const buffer of this.#buffers) buffer.destroy();
  }

  async #next(): Promise<Staging> {
    const mayCreate = this.#buffers.length < MAX_STAGING_BUFFERS;
    const buffer = mayCreate ? this.#create() : await this.#submitted.shift()!;
    const bytes = new Uint8Array(buffer.getMappedRange());
    return { buffer, bytes, encoder: this.#device.createCommandEncoder(), at: 0 };
  }

  #create(): GPUBuffer {
    const buffer = this.#device.createBuffer({
      label: "upload",
      size: this.#stagingBytes,
      // Without MAP_WRITE the browser would copy once more.
      usage: GPUBufferUsage.MAP_WRITE | GPUBufferUsage.COPY_SRC,
      mappedAtCreation: true,
    });
    this.#buffers.push(buffer);
    return buffer;
  }
}
