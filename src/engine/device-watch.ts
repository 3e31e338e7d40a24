/**
 * What goes wrong on the device outside a call: its loss, and errors that no
 * scope caught. Turns the first of them into one `EngineError` that every
 * pending and later step rejects with.
 */
import { EngineError } from "./engine-error.ts";

export class DeviceWatch {
  readonly #device: GPUDevice;
  readonly #waiting = new Set<(error: EngineError) => void>();
  readonly #tell: (message: string, lost: boolean) => void;
  #failure: EngineError | null = null;

  constructor(device: GPUDevice, onDeviceError: (message: string, lost: boolean) => void) {
    this.#device = device;
    this.#tell = onDeviceError;
    device.addEventListener("uncapturederror", this.#onError);
    void device.lost.then(({ reason, message }) => {
      const cause = reason === "destroyed" ? "it was closed" : message || "the browser reset it";
      this.fail(
        new EngineError("device_lost", `The GPU device is gone: ${cause}. Load the model again.`),
      );
    });
  }

  get failure(): EngineError | null {
    return this.#failure;
  }

  fail(error: EngineError): void {
    if (this.#failure === null && error.kind !== "destroyed") {
      this.#tell(error.message, error.kind === "device_lost");
    }
    // Firefox says that commands are invalid before it says that the device is lost: the loss is the reason.
    if (error.kind === "device_lost" && this.#failure?.kind === "validation") {
      this.#tell(error.message, true);
      this.#failure = error;
    }
    this.#failure ??= error;
    for (const reject of this.#waiting) reject(this.#failure);
    this.#waiting.clear();
  }

  /** `work`, or the failure if that comes first. */
  async guard<T>(work: Promise<T>): Promise<T> {
    if (this.#failure !== null) {
      // Whatever the work says now, the failure is the reason.
      work.catch(() => undefined);
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
      throw new EngineError("validation", `The GPU refused a step: ${String(cause)}`, { cause });
    } finally {
      forget();
    }
  }

  stop(): void {
    this.#device.removeEventListener("uncapturederror", this.#onError);
  }

  readonly #onError = (event: GPUUncapturedErrorEvent): void => {
    const kind = event.error instanceof GPUOutOfMemoryError ? "memory" : "validation";
    const what = kind === "memory" ? "The GPU is out of memory" : "The GPU refused a command";
    const error = new EngineError(kind, `${what}: ${event.error.message}`);
    this.fail(error);
  };
}
