/**
 * A file behind a URL, read by range requests that tolerate a bad network.
 *
 *   an interrupted read resumes where it stopped, up to `MAX_ATTEMPTS` times without a
 *   new byte; an answer that cannot improve is not retried
 *
 * docs/decisions/download-retries.md: why not p-retry.
 */
import { detailOf, type ModelNotice } from "../shared/index.ts";
import { type ByteSource, checkRange } from "./byte-source.ts";
import { ModelError } from "./model-error.ts";
import { isTemporary, networkError, pageUrl } from "./url-errors.ts";

export type UrlSourceOptions = {
  readonly fetch?: typeof fetch;
  readonly onNotice?: (notice: ModelNotice) => void;
  readonly retryDelayMs?: number;
  /** A connection that sends nothing for this long is closed. */
  readonly stallTimeoutMs?: number;
};

const MAX_ATTEMPTS = 6;
/** The first request has fewer, to report a wrong address soon. */
const MAX_FIRST_ATTEMPTS = 3;
const FIRST_RETRY_DELAY_MS = 250;
const STALL_TIMEOUT_MS = 30_000;
const PIECE_BYTES = 1 << 20;

/** The file as the first request found it. */
export type RemoteFile = {
  readonly url: string;
  readonly fileBytes: number;
  readonly etag: string | null;
};

export type UrlSource = ByteSource & { readonly remote: RemoteFile };

/** Finds the file's length. Rejects with a `ModelError`, also if the server does not support ranges. */
export async function openUrl(url: string, options: UrlSourceOptions = {}): Promise<UrlSource> {
  checkUrl(url);
  const client = new RangeClient(url, options);
  const first = await client.request(0, 1);
  await first.body?.cancel();
  if (first.status !== 206) throw new ModelError({ reason: "no_range_requests", url });
  const fileBytes = totalBytes(first.headers) ?? (await client.lengthByHead());
  const remote = { url, fileBytes, etag: first.headers.get("etag") };
  const source = { fileBytes, label: url, remote };
  return {
    ...source,
    async read(offsetBytes, lengthBytes) {
      checkRange(source, offsetBytes, lengthBytes);
      const bytes = new Uint8Array(lengthBytes);
      if (lengthBytes > 0) await client.fill(bytes, offsetBytes, remote);
      return bytes;
    },
  };
}

/** Reads a range of the same file in another thread. Rejects with a `ModelError`. */
export function fillFromUrl(
  remote: RemoteFile,
  options: UrlSourceOptions,
  bytes: Uint8Array,
  offsetBytes: number,
): Promise<void> {
  return new RangeClient(remote.url, options).fill(bytes, offsetBytes, remote);
}

function checkUrl(url: string): void {
  const base = pageUrl()?.href;
  const protocol = URL.canParse(url, base) ? new URL(url, base).protocol : "";
  if (protocol !== "http:" && protocol !== "https:")
    throw new ModelError({ reason: "not_a_web_address", url });
}

class RangeClient {
  readonly #url: string;
  readonly #options: UrlSourceOptions;

  constructor(url: string, options: UrlSourceOptions) {
    this.#url = url;
    this.#options = options;
  }

  /** An answer with status 200 or 206. */
  async request(offsetBytes: number, lengthBytes: number): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#requestOnce(offsetBytes, lengthBytes);
      } catch (error) {
        await this.#pauseOrThrow(error, attempt, MAX_FIRST_ATTEMPTS);
      }
    }
  }

  async lengthByHead(): Promise<number> {
    const response = await this.#fetch(this.#url, { method: "HEAD" }).catch(() => null);
    const length = integer(response?.headers.get("content-length") ?? undefined);
    if (length === null) throw new ModelError({ reason: "length_hidden", url: this.#url });
    return length;
  }

  /** Fills `bytes` from the file. Each attempt resumes after the bytes that arrived. */
  async fill(bytes: Uint8Array, offsetBytes: number, file: RemoteFile): Promise<void> {
    let done = 0;
    let detail: string | null = null;
    for (let attempt = 1; done < bytes.length; attempt++) {
      const before = done;
      try {
        for await (const piece of this.#pieces(offsetBytes + done, bytes.length - done, file)) {
          if (detail !== null)
            this.#options.onNotice?.({ notice: "download_resumed", url: this.#url, detail });
          detail = null;
          const wanted = piece.subarray(0, bytes.length - done);
          bytes.set(wanted, done);
          done += wanted.length;
        }
        if (done < bytes.length) throw new TypeError("the connection closed early");
      } catch (error) {
        if (done > before) attempt = 1;
        await this.#pauseOrThrow(error, attempt, MAX_ATTEMPTS);
        detail = detailOf(error);
      }
    }
  }

  async *#pieces(
    offsetBytes: number,
    lengthBytes: number,
    file: RemoteFile,
  ): AsyncGenerator<Uint8Array> {
    const abort = new AbortController();
    const stalled = () => abort.abort(new TypeError("no byte arrived in time"));
    const timeoutMs = this.#options.stallTimeoutMs ?? STALL_TIMEOUT_MS;
    let timer = setTimeout(stalled, timeoutMs);
    try {
      const response = await this.#requestOnce(offsetBytes, lengthBytes, abort.signal);
      if (!isSameFile(response, file))
        throw new ModelError({ reason: "file_changed", url: this.#url });
      const next = response.body === null ? null : pieceReader(response.body);
      for (;;) {
        const piece = (await next?.()) ?? null;
        if (piece === null) return;
        clearTimeout(timer);
        timer = setTimeout(stalled, timeoutMs);
        yield piece;
      }
    } finally {
      clearTimeout(timer);
      abort.abort();
    }
  }

  async #requestOnce(
    offsetBytes: number,
    lengthBytes: number,
    signal: AbortSignal | null = null,
  ): Promise<Response> {
    const headers = { Range: `bytes=${offsetBytes}-${offsetBytes + lengthBytes - 1}` };
    // Chunks are stored here; storing them in the HTTP cache too takes a quarter of a load.
    const response = await this.#fetch(this.#url, { headers, signal, cache: "no-store" });
    const { status } = response;
    if (status === 200 || status === 206) return response;
    await response.body?.cancel();
    throw new ModelError({ reason: "http_status", url: this.#url, status });
  }

  /** Waits before the next attempt, or throws a `ModelError` if there is none. */
  async #pauseOrThrow(error: unknown, attempt: number, maxAttempts: number): Promise<void> {
    if (!isTemporary(error) || attempt >= maxAttempts) {
      if (error instanceof ModelError) throw error;
      throw await networkError(this.#url, error, (url, init) => this.#fetch(url, init));
    }
    const first = this.#options.retryDelayMs ?? FIRST_RETRY_DELAY_MS;
    await new Promise((resolve) => setTimeout(resolve, first * 2 ** (attempt - 1)));
  }

  #fetch(url: string, init: RequestInit): Promise<Response> {
    return (this.#options.fetch ?? fetch)(url, init);
  }
}

/** The buffer of an earlier body, for the next one. */
let spare: ArrayBuffer | null = null;

/**
 * The next bytes of a body, valid until the next call; null at its end. A reader with its own buffer takes
 * Chromium half the time, since its pieces are larger.
 */
function pieceReader(body: ReadableStream<Uint8Array>): () => Promise<Uint8Array | null> {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    const plain = body.getReader(); // no stream of bytes in this browser
    return async () => (await plain.read()).value ?? null;
  }
  let buffer = spare ?? new ArrayBuffer(PIECE_BYTES);
  spare = null;
  return async () => {
    const { done, value } = await reader.read(new Uint8Array(buffer));
    if (value !== undefined) buffer = value.buffer;
    if (!done) return value;
    if (value !== undefined) spare = buffer;
    return null;
  };
}

function isSameFile({ status, headers }: Response, { fileBytes, etag }: RemoteFile): boolean {
  const newTag = headers.get("etag");
  const newTotal = totalBytes(headers);
  const hasOtherTag = etag !== null && newTag !== null && newTag !== etag;
  return status === 206 && (newTotal === null || newTotal === fileBytes) && !hasOtherTag;
}

/** The 999 of "bytes 0-0/999"; null if CORS hides the header or it has a star. */
function totalBytes(headers: Headers): number | null {
  return integer(/\/(\d+)$/.exec(headers.get("content-range") ?? "")?.[1]);
}

function integer(text: string | undefined): number | null {
  const value = Number(text ?? NaN);
  return Number.isSafeInteger(value) ? value : null;
}
