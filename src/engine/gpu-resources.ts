/**
 * The GPU objects of one shard: every buffer, pipeline and bind group is created here, so that it is
 * counted, and freed with the shard.
 */
import { bind, compile, dispatch, type Kernel } from "../kernels/index.ts";
import type { Counters } from "./counters.ts";
import { EngineError } from "./engine-error.ts";

/** A kernel bound to its buffers: recording it sets only the grid. */
export type BoundKernel<Params> = {
  record(pass: GPUComputePassEncoder, params: Params): void;
};

/** Throws if the buffers are gone. */
export type Bind<Params> = (buffers: readonly GPUBuffer[]) => BoundKernel<Params>;

export class GpuResources {
  readonly device: GPUDevice;
  readonly counters: Counters;
  readonly #buffers = new Set<GPUBuffer>();
  #destroyed = false;

  constructor(device: GPUDevice, counters: Counters) {
    this.device = device;
    this.counters = counters;
  }

  /** A storage buffer of `bytes`, zero at first. */
  storage(label: string, bytes: number): GPUBuffer {
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    return this.buffer(label, bytes, STORAGE | COPY_SRC | COPY_DST);
  }

  uniform(label: string, bytes: number): GPUBuffer {
    return this.buffer(label, bytes, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
  }

  buffer(label: string, bytes: number, usage: GPUBufferUsageFlags): GPUBuffer {
    this.requireBuffers();
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const buffer = this.device.createBuffer({ label, size, usage });
    this.counters.buffersCreated++;
    this.#buffers.add(buffer);
    return buffer;
  }

  /** Throws if the buffers are gone: binding them would fail all shards of the device in Firefox. */
  requireBuffers = (): void => {
    if (this.#destroyed) throw new EngineError({ reason: "shard_unloaded" });
  };

  write(buffer: GPUBuffer, data: ArrayBuffer | ArrayBufferView<ArrayBuffer>): void {
    this.device.queue.writeBuffer(buffer, 0, data);
    this.counters.bytesWritten += data.byteLength;
  }

  /** Compiles a kernel; what it resolves with binds it to whole buffers, in order of their numbers. */
  async compile<Params>(kernel: Omit<Kernel<Params>, "packParams">): Promise<Bind<Params>> {
    const { counters, device } = this;
    counters.pipelinesCreated++;
    const compiled = await compile(device, kernel);
    return (buffers) => {
      this.requireBuffers();
      const group = bind(device, compiled, buffers);
      counters.bindGroupsCreated++;
      return {
        record(pass, params) {
          dispatch(pass, compiled, group, kernel.workgroups(params));
          counters.dispatches++;
        },
      };
    };
  }

  destroy(): void {
    this.#destroyed = true;
    for (const buffer of this.#buffers) buffer.destroy();
    this.#buffers.clear();
  }
}
