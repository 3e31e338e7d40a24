/**
 * Comlink's `wrap` for workers that can die: a call to a worker whose script failed, or
 * that was ended, rejects with a `FailureError`. Comlink itself would wait forever.
 */
import * as Comlink from "comlink";
import {
  detailOf,
  FailureError,
  untilFailure,
  type WorkerFailure,
  type WorkerName,
} from "../shared/index.ts";

export type WorkerClient<T> = {
  readonly remote: Comlink.Remote<T>;
  /** Starts the worker now; otherwise the first call does. */
  start(): void;
  /** Ends the worker; pending calls reject, and the next call starts another. */
  restart(): void;
  /** Ends the worker for good; pending and later calls reject. */
  end(): void;
};

type Running<T> = {
  readonly worker: Worker;
  readonly wrapped: Comlink.Remote<T>;
  readonly calls: ReturnType<typeof untilFailure>;
};

/** A worker that fails stays dead, and `onFailed` is called: it may restart it. */
export function workerClient<T extends object>(
  startWorker: () => Worker,
  name: WorkerName,
  onFailed: (failure: WorkerFailure) => void = () => undefined,
): WorkerClient<T> {
  let current: Running<T> | null = null;
  let ended = false;
  const ending: WorkerFailure = { reason: "worker_ended", worker: name };

  const start = (): Running<T> => {
    if (current) return current;
    if (ended) throw new FailureError(ending);
    const worker = startWorker();
    const started = { worker, wrapped: Comlink.wrap<T>(worker), calls: untilFailure() };
    const fail = (failure: WorkerFailure) => {
      started.calls.fail(new FailureError(failure));
      if (current === started) onFailed(failure);
    };
    worker.addEventListener("error", ({ message }) => {
      fail({ reason: "worker_failed", worker: name, detail: detailOf(message || "") });
    });
    worker.addEventListener("messageerror", () => {
      fail({ reason: "worker_unreadable", worker: name });
    });
    return (current = started);
  };

  const stop = () => {
    current?.worker.terminate();
    current?.calls.fail(new FailureError(ending));
  };

  const call = async (key: PropertyKey, values: readonly unknown[]): Promise<unknown> => {
    const { wrapped, calls } = start();
    const method = Reflect.get(wrapped, key) as (...values: unknown[]) => Promise<unknown>;
    return calls.guard(method(...values));
  };

  return {
    remote: new Proxy({} as Comlink.Remote<T>, {
      get: (_, key) => (key === "then" ? undefined : (...values: unknown[]) => call(key, values)),
    }),
    start,
    restart: () => {
      stop();
      if (!ended) current = null;
    },
    end: () => {
      ended = true;
      stop();
    },
  };
}
