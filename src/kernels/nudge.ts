/**
 * Waiting for a device's work where the browser looks for finished work only on a
 * 100 ms timer, or when something is submitted: Firefox
 * (https://bugzilla.mozilla.org/show_bug.cgi?id=1870699). Submitting nothing, about
 * every millisecond, brings 100 ms down to 1 or 2. Used only where a probe shows
 * that it helps. Delete it when the bug is fixed.
 *
 * Between two nudges the thread sleeps where it may: turning the event loop instead
 * takes a core from a software adapter, which computes on the same ones.
 */

/** Time between two nudges: faster floods the browser's process, slower waits. */
const NUDGE_MS = 1;
/** Work that is over by then is found at once. */
const EAGER_MS = 3;

/** What `pending` resolves with; it settles sooner than by itself. */
export async function nudged<T>(device: GPUDevice, pending: Promise<T>): Promise<T> {
  let waiting = true;
  const settled = pending.finally(() => {
    waiting = false;
  });
  // The loop only makes `pending` settle sooner; whoever awaits the result sees a failure.
  settled.catch(() => undefined);
  const start = performance.now();
  let last = start;
  await nextTurn();
  while (waiting) {
    if (performance.now() - start > EAGER_MS) sleep(NUDGE_MS);
    if (performance.now() - last >= NUDGE_MS) {
      device.queue.submit([]);
      last = performance.now();
    }
    await nextTurn();
  }
  return settled;
}

const cell = mayBlock() ? new Int32Array(new SharedArrayBuffer(4)) : null;

/** Workers of an isolated page may block; a page itself may not. */
function mayBlock(): boolean {
  return globalThis.crossOriginIsolated && !("document" in globalThis);
}

/** Blocks the thread, or returns at once where it may not. */
function sleep(ms: number): void {
  if (cell !== null) Atomics.wait(cell, 0, 0, ms);
}

const channel = new MessageChannel();
const waiters: (() => void)[] = [];
channel.port1.onmessage = () => waiters.shift()?.();

/** A turn of the event loop that no hidden tab slows, and no browser clamps to 4 ms, unlike a timer. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiters.push(resolve);
    channel.port2.postMessage(null);
  });
}
