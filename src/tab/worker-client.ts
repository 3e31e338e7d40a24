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
  /** Ends the worker; pending and later calls reject. */
  end(): void;
};

export function workerClient<T extends object>(
  worker: Worker,
  name: WorkerName,
  onFailed: (failure: WorkerFailure) => void = () => undefined,
): WorkerClient<T> {
  const calls = untilFailure();
  const die = (failure: WorkerFailure) => calls.fail(new FailureError(failure));
  const fail = (failure: WorkerFailure) => {
    die(failure);
    onFailed(failure);
  };
  worker.addEventListener("error", ({ message }) => {
    fail({ reason: "worker_failed", worker: name, detail: detailOf(message || "") });
  });
  worker.addEventListener("messageerror", () => {
    fail({ reason: "worker_unreadable", worker: name });
  });
  const wrapped = Comlink.wrap<T>(worker);
  const methods = new Map<PropertyKey, unknown>();
  const remote = new Proxy(wrapped, {
    get(target, key) {
      if (key === "then") return undefined;
      if (!methods.has(key)) methods.set(key, guarded(Reflect.get(target, key), calls.guard));
      return methods.get(key);
    },
  });
  return {
    remote,
    end: () => {
      worker.terminate();
      die({ reason: "worker_ended", worker: name });
    },
  };
}

function guarded(method: unknown, guard: ReturnType<typeof untilFailure>["guard"]): unknown {
  if (typeof method !== "function") return method;
  const call = method as (...values: unknown[]) => Promise<unknown>;
  return (...values: unknown[]) => guard(call(...values));
}
