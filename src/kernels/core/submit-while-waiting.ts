/**
 * Waiting for a device's work where the browser notices finished work late,
 * unless something is submitted in the meantime:
 *
 *   Firefox    checks only on a 100 ms timer (https://bugzilla.mozilla.org/show_bug.cgi?id=1870699)
 *   Chromium   on hardware checks immediately, and again only about 2.5 ms later
 *
 * An empty submit makes it check. Each one also costs the browser's GPU process
 * time, which all tabs share: submitting in a loop stalled a browser with two
 * tabs and ended one with three. Therefore the submits begin when the work is
 * expected to end, leave growing gaps, and stop after `MAX_SUBMITS`; the
 * browser then notices by itself. Used only where the probe finds that it helps.
 *
 * Between two submits the thread sleeps where it may and the wait is long enough:
 * turning the event loop takes a core from a software adapter, which computes on
 * the same cores.
 */

/** Work often ends a little earlier than it did last time: by this share, or by this long. */
const EARLY_SHARE = 0.1;
const EARLY_MS = 0.5;

/** One wait may be an exception: the estimate grows at most by this factor. */
const MAX_GROWTH = 2;

/**
 * The gap between the first two submits, and the factor from one gap to the next; within `EARLY_MS` of
 * the expected end, gaps do not grow.
 */
const FIRST_GAP_MS = 0.2;
const GAP_GROWTH = 1.5;

/** A gap is at most this, or this share of the time waited so far, whichever is longer. */
const MAX_GAP_MS = 1;
const MAX_GAP_SHARE = 0.04;

/** From no estimate this covers about 25 ms; after an estimate of 40 ms, work of twice the length. */
export const MAX_SUBMITS = 32;

/** The shortest sleep that does not oversleep a gap. */
const SLEEP_MS = 1;

/** How long repeated work takes: each wait teaches when the next one should begin to submit. */
export class ExpectedWait {
  #ms = 0;
  #isFirst = true;

  /** In milliseconds; 0 while it is not known. */
  get ms(): number {
    return this.#ms;
  }

  /**
   * What `pending` resolves with, sooner than by itself: submits near the expected end, and learns
   * from how long it took.
   */
  async settle<T>(device: GPUDevice, pending: Promise<T>): Promise<T> {
    const start = performance.now();
    const wait = { isOver: false, submits: 0 };
    void submitUntil(device, wait, this.#ms);
    try {
      const value = await pending;
      this.#learn(performance.now() - start, wait.submits);
      return value;
    } finally {
      wait.isOver = true;
    }
  }

  /** An estimate that is too high makes the next wait begin too late; one too low costs submits. */
  #learn(tookMs: number, submits: number): void {
    if (this.#isFirst) {
      this.#isFirst = false; // some drivers compile in the first run
    } else if (submits <= 1) {
      this.#ms = tookMs / 2; // the work was over for an unknown time when the first submit found it
    } else {
      const maxMs = this.#ms === 0 ? Infinity : MAX_GROWTH * this.#ms + EARLY_MS;
      this.#ms = Math.min(tookMs, maxMs);
    }
  }
}

/** `expectedMs` is counted from now; nothing is submitted until shortly before. */
async function submitUntil(
  device: GPUDevice,
  wait: { readonly isOver: boolean; submits: number },
  expectedMs: number,
): Promise<void> {
  const start = performance.now();
  const earlyMs = Math.max(EARLY_MS, EARLY_SHARE * expectedMs);
  let next = start + Math.max(FIRST_GAP_MS, expectedMs - earlyMs);
  let gap = FIRST_GAP_MS;
  await nextTurn();
  while (!wait.isOver && wait.submits < MAX_SUBMITS) {
    const now = performance.now();
    if (now >= next) {
      device.queue.submit([]);
      wait.submits++;
      next = now + gap;
      if (Math.abs(next - start - expectedMs) > EARLY_MS)
        gap = Math.min(gap * GAP_GROWTH, Math.max(MAX_GAP_MS, MAX_GAP_SHARE * (now - start)));
    } else if (next - now >= SLEEP_MS) {
      sleep(SLEEP_MS);
    }
    await nextTurn();
  }
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
