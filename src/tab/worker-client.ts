/**
 * Comlink's wrap, for workers that can die: a call to a worker whose script
 * failed, or that was ended, rejects. Comlink itself would wait for ever.
 */
import * as Comlink from "comlink";

export type WorkerClient<T> = {
  readonly remote: Comlink.Remote<T>;
  /** Ends the worker; pending and later calls reject. */
  end(): void;
};

/** `name` is for people: it stands in the errors. */
export function workerClient<T extends object>(worker: Worker, name: string): WorkerClient<T> {
  let die: (error: Error) => void = () => undefined;
  const death = new Promise<never>((_, reject) => (die = reject));
  // Without a call under way nobody waits for it, and that is no failure.
  death.catch(() => undefined);
  worker.addEventListener("error", (event) => {
    die(
      new Error(
        `The ${name} worker failed: ${event.message || "its script could not be loaded"}. Reload the page.`,
      ),
    );
  });
  worker.addEventListener("messageerror", () => {
    die(new Error(`The ${name} worker sent what this browser cannot read. Reload the page.`));
  });
  const wrapped = Comlink.wrap<T>(worker);
  const methods = new Map<PropertyKey, unknown>();
  const remote = new Proxy(wrapped, {
    get(target, key) {
      if (key === "then") return undefined;
      if (!methods.has(key)) methods.set(key, raced(Reflect.get(target, key), death));
      return methods.get(key);
    },
  });
  return {
    remote,
    end: () => {
      worker.terminate();
      die(new Error(`The ${name} worker was ended.`));
    },
  };
}

function raced(method: unknown, death: Promise<never>): unknown {
  if (typeof method !== "function") return method;
  const call = method as (...values: unknown[]) => Promise<unknown>;
  return (...values: unknown[]) => Promise.race([call(...values), death]);
}
