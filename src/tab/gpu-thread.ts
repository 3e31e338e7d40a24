/**
 * The GPU worker of a tab, and another one in its place when it fails or does not answer. The new one
 * has no layers and no channels: the owner renews these, and the room loads those again. After several
 * that fail at once there is no other, and the room is told.
 */
import * as Comlink from "comlink";
import { type Clock, type StageListeners, type WorkerFailure } from "../shared/index.ts";
import type { StageWorker } from "../stage/index.ts";
import { type WorkerClient, workerClient } from "./worker-client.ts";

/** Longer than packing a tensor blocks the worker between two messages. */
const MAX_SILENCE_MS = 10_000;
/** While it loads layers, other tabs may load theirs on the same cores. */
const MAX_LOADING_SILENCE_MS = 60_000;
/** A worker that fails this soon, this often in a row, would fail again. */
const SOON_MS = 5000;
const MAX_SOON = 3;

export type GpuThreadParts = {
  readonly start: () => Worker;
  readonly clock: Clock;
  /** Another worker has begun. */
  readonly onReplaced: () => void;
};

export class GpuThread {
  /** The stage of whichever worker runs now. */
  readonly worker: StageWorker;
  readonly #parts: GpuThreadParts;
  readonly #client: WorkerClient<StageWorker>;
  #listeners: StageListeners | null = null;
  #startedMs: number;
  #failedSoon = 0;
  #loads = 0;
  #ended = false;

  constructor(parts: GpuThreadParts) {
    this.#parts = parts;
    this.#client = workerClient(parts.start, "GPU", (failure) => this.replace(failure));
    this.#client.start();
    this.#startedMs = parts.clock.nowMs();
    const { remote } = this.#client;
    const own: Partial<StageWorker> = {
      listen: (listeners) => this.#listen(listeners),
      sample: () => this.#sample(),
      loadShard: async (...request) => {
        this.#loads += 1;
        return remote.loadShard(...request).finally(() => (this.#loads -= 1));
      },
    };
    this.worker = new Proxy(own as StageWorker, {
      get: (_, method) => Reflect.get(method in own ? own : remote, method) as unknown,
    });
  }

  async #listen(listeners: StageListeners): Promise<void> {
    this.#listeners = listeners;
    // The listeners run in this thread; the worker gets a proxy of them.
    await this.#client.remote.listen(Comlink.proxy(listeners));
  }

  /** A sample also shows that the worker answers: one that does not is replaced. */
  async #sample(): ReturnType<StageWorker["sample"]> {
    const afterMs = this.#loads > 0 ? MAX_LOADING_SILENCE_MS : MAX_SILENCE_MS;
    const cancel = this.#parts.clock.after(afterMs, () =>
      this.replace({ reason: "worker_silent", worker: "GPU", afterMs }),
    );
    // A worker that was replaced meanwhile has rejected it.
    return this.#client.remote.sample().finally(cancel);
  }

  /** Ends the worker and starts another. What was asked of it rejects. */
  replace(cause: WorkerFailure): void {
    const { clock, onReplaced } = this.#parts;
    if (this.#ended) return;
    const isSoon = clock.nowMs() - this.#startedMs < SOON_MS;
    this.#failedSoon = isSoon ? this.#failedSoon + 1 : 0;
    if (this.#failedSoon >= MAX_SOON) {
      this.end();
      this.#listeners?.onObservation({ kind: "worker_gone", cause });
      return;
    }
    this.#client.restart();
    this.#client.start();
    this.#startedMs = clock.nowMs();
    const listeners = this.#listeners;
    if (listeners === null) return;
    // A worker that fails again reports that itself.
    this.#listen(listeners).catch(() => undefined);
    onReplaced();
    listeners.onObservation({ kind: "worker_replaced", cause });
  }

  end(): void {
    this.#ended = true;
    this.#client.end();
  }
}
