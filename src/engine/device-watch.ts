/**
 * What goes wrong on the device outside a call: its loss, and errors that no scope caught. The first
 * of them becomes the `EngineError` with which every pending and later step rejects.
 */
import { detailOf } from "../shared/index.ts";
import { EngineError } from "./engine-error.ts";
import type { OnDeviceError } from "./types.ts";

export class DeviceWatch {
  readonly #device: GPUDevice;
  readonly #waiting = new Set<(error: EngineError) => void>();
  readonly #onDeviceError: OnDeviceError;
  #failure: EngineError | null = null;

  constructor(device: GPUDevice, onDeviceError: OnDeviceError) {
    this.#device = device;
    this.#onDeviceError = onDeviceError;
    device.addEventListener("uncapturederror", this.#onError);
    void device.lost.then(({ reason, message }) => {
      const detail = reason === "destroyed" ? "it was closed" : message || "the browser reset it";
      this.fail(new EngineError({ reason: "gpu_lost", detail: detailOf(detail) }));
    });
  }

  get failure(): EngineError | null {
    return this.#failure;
  }

  fail(error: EngineError): void {
    const { reason } = error.failure;
    const isLost = reason === "gpu_lost";
    // Firefox reports invalid commands before the loss that is their reason.
    const isCause = isLost && this.#failure?.failure.reason === "gpu_command_failed";
    if (isCause || (this.#failure === null && reason !== "shard_unloaded")) {
      this.#onDeviceError(error.failure, isLost);
    }
    if (isCause || this.#failure === null) this.#failure = error;
    for (const reject of this.#waiting) reject(this.#failure);
    this.#waiting.clear();
  }

  /** `work`, or the failure if that comes first. */
  async guard<T>(work: Promise<T>): Promise<T> {
    if (this.#failure !== null) {
      work.catch(() => undefined); // the failure is the reason, whatever the work reports
      throw this.#failure;
    }
    let forget = () => undefined as void;
    const failed = new Promise<never>((_resolve, reject) => {
      this.#waiting.add(reject);
      forget = () => void this.#waiting.delete(reject);
    });
    try {
      return await Promise.race([work, failed]);
    } catch (cause) {
      if (cause instanceof EngineError) throw cause;
      const failure = { reason: "gpu_command_failed", detail: detailOf(cause) } as const;
      throw new EngineError(failure, { cause });
    } finally {
      forget();
    }
  }

  stop(): void {
    this.#device.removeEventListener("uncapturederror", this.#onError);
  }

  readonly #onError = ({ error }: GPUUncapturedErrorEvent): void => {
    const isMemory = error instanceof GPUOutOfMemoryError;
    const reason = isMemory ? "gpu_out_of_memory" : "gpu_command_failed";
    this.fail(new EngineError({ reason, detail: detailOf(error) }));
  };
}
