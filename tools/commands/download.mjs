/** One file over HTTP(S), with progress on stderr. */
import { createWriteStream } from "node:fs";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

/** On a machine without internet access, the next source is tried after this time. */
const CONNECT_TIMEOUT_MS = 10_000;

/** A transfer that stalls for this time is aborted. */
const STALL_TIMEOUT_MS = 30_000;

/** The interval between lines of progress when stderr is not a terminal. */
const LOG_INTERVAL_MS = 5_000;

/**
 * @param {string} url
 * @param {string} path is overwritten, and may be incomplete after a failure
 * @returns {Promise<string | null>} a description of the failure, or null
 */
export async function download(url, path) {
  const abort = new AbortController();
  let reason = `${new URL(url).host} did not answer in ${CONNECT_TIMEOUT_MS / 1000} s`;
  let timer = setTimeout(() => abort.abort(), CONNECT_TIMEOUT_MS);
  try {
    const response = await fetch(url, { signal: abort.signal });
    if (!response.ok || response.body === null) {
      return `${new URL(url).host} answered ${response.status} ${response.statusText}`;
    }
    const progress = new Progress(Number(response.headers.get("content-length") ?? 0));
    const watch = new Transform({
      transform(bytes, _encoding, done) {
        clearTimeout(timer);
        reason = `${new URL(url).host} sent nothing for ${STALL_TIMEOUT_MS / 1000} s`;
        timer = setTimeout(() => abort.abort(), STALL_TIMEOUT_MS);
        progress.add(bytes.length);
        done(null, bytes);
      },
    });
    await pipeline(Readable.fromWeb(response.body), watch, createWriteStream(path));
    progress.end();
    return null;
  } catch (error) {
    if (abort.signal.aborted) return reason;
    return `${new URL(url).host} could not be reached (${rootCause(error)})`;
  } finally {
    clearTimeout(timer);
  }
}

class Progress {
  received = 0;
  lastShownMs = 0;

  constructor(/** @type {number} */ total) {
    this.total = total;
  }

  add(/** @type {number} */ bytes) {
    this.received += bytes;
    const interval = process.stderr.isTTY ? 100 : LOG_INTERVAL_MS;
    if (Date.now() - this.lastShownMs < interval) return;
    this.lastShownMs = Date.now();
    this.show();
  }

  end() {
    this.show();
    if (process.stderr.isTTY) process.stderr.write("\n");
  }

  show() {
    const megabytes = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(1);
    const of = this.total > 0 ? ` of ${megabytes(this.total)}` : "";
    const line = `  ${megabytes(this.received)}${of} MB`;
    process.stderr.write(process.stderr.isTTY ? `\r${line}` : `${line}\n`);
  }
}

/** fetch says only "fetch failed"; the cause says why. */
function rootCause(/** @type {unknown} */ error) {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (cause);
  return code ?? message;
}
