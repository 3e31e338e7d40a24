/** Threads that share work. */

export class ThreadPool<Thread> {
  readonly #threads: { readonly thread: Thread; running: number }[] = [];
  readonly #count: number;
  readonly #start: () => Thread;

  /** At most `count` threads; `start` begins one when all others are busy. */
  constructor(count: number, start: () => Thread) {
    this.#count = count;
    this.#start = start;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Does `work` in the thread that has the least. Work that fails counts as running, so that a failed thread gets less. */
  async run<T>(work: (thread: Thread) => Promise<T>): Promise<T> {
    const least = this.#leastBusy();
    least.running++;
    const result = await work(least.thread);
    least.running--;
    return result;
  }

  #leastBusy() {
    const idle = this.#threads.find(({ running }) => running === 0);
    if (idle !== undefined) return idle;
    if (this.#threads.length < this.#count) {
      const thread = { thread: this.#start(), running: 0 };
      this.#threads.push(thread);
      return thread;
    }
    return this.#threads.reduce((least, one) => (one.running < least.running ? one : least));
  }
}

/**
 * Calls to a thread, which reject once it has failed; Comlink itself would wait for ever. No `Promise.race`:
 * its entry at the promise that remains pending would keep the result of each call in memory.
 */
export function untilFailure() {
  const pending = new Set<(error: Error) => void>();
  let failure: Error | null = null;
  const fail = (error: Error) => {
    failure ??= error;
    for (const reject of pending) reject(failure);
  };
  const guard = <T>(call: Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      if (failure !== null) return reject(failure);
      pending.add(reject);
      call.then(resolve, reject).finally(() => pending.delete(reject));
    });
  return { fail, guard };
}

/** For a worker that nobody replaces. */
export function untilError(worker: Worker): <T>(call: Promise<T>) => Promise<T> {
  const { fail, guard } = untilFailure();
  worker.onerror = ({ message }) => fail(new Error(message));
  return guard;
}

/** The other end is closed. Chromium would ignore what is sent through an end that is closed itself. */
const { port1: nowhere, port2 } = new MessageChannel();
port2.close();

/**
 * Frees memory at once that the garbage collector of a busy thread frees too late: bytes that are transferred
 * to a closed port are gone. `ArrayBuffer.transfer(0)` would not free what came by a message in Chromium.
 */
export function free(...arrays: readonly Uint8Array<ArrayBuffer>[]): void {
  nowhere.postMessage(
    null,
    arrays.map(({ buffer }) => buffer),
  );
}
