/**
 * A file behind a URL, read by range requests that survive a bad network.
 *
 *   a read that breaks off goes on where it stopped, up to `MAX_ATTEMPTS`
 *   times without a new byte; an answer that cannot get better is not retried
 *
 * A server without range requests gets one download from start to end, which
 * the reads then share (`whole-download.ts`).
 */
import { type ByteSource, checkRange } from "./byte-source.ts";
import { megabytes, ModelError } from "./model-error.ts";
import { explainNetworkError, explainStatus, isTemporary } from "./url-errors.ts";
import { WholeDownload } from "./whole-download.ts";
import { errorMessage } from "../shared/index.ts";

export type UrlSourceOptions = {
  readonly fetch?: typeof fetch;
  /** Told when a download goes on after an error, and when ranges are missing; in words. */
  readonly onNotice?: (message: string) => void;
  /** Called with each piece that arrives. */
  readonly onBytes?: (count: number) => void;
  readonly retryDelayMs?: number;
  /** A connection that sends nothing for this long is given up. */
  readonly stallTimeoutMs?: number;
};

const MAX_ATTEMPTS = 6;
/** The first request: a wrong address should be told soon. */
const MAX_FIRST_ATTEMPTS = 3;
const FIRST_RETRY_DELAY_MS = 250;
const STALL_TIMEOUT_MS = 30_000;

/** Finds out the file's length and whether the server reads ranges. Rejects with a `ModelError`. */
export async function openUrl(url: string, options: UrlSourceOptions = {}): Promise<ByteSource> {
  checkUrl(url);
  const client = new RangeClient(url, options);
  const first = await client.request(0, 1);
  if (first.status === 206) {
    const total = totalBytes(first.headers);
    await first.body?.cancel();
    const fileBytes = total ?? (await client.lengthByHead());
    const etag = first.headers.get("etag");
    return rangeSource(client, url, fileBytes, etag);
  }
  const lengthHeader = first.headers.get("content-length");
  const encoded = first.headers.get("content-encoding") !== null;
  const fileBytes = Number(lengthHeader ?? NaN);
  if (lengthHeader === null || encoded || !Number.isSafeInteger(fileBytes)) {
    await first.body?.cancel();
    throw new ModelError(
      "refused",
      `The server of ${url} neither reads parts of a file nor says how long it is. ` +
        "Download the file and open it from disk.",
    );
  }
  options.onNotice?.(
    `The server of ${url} cannot send parts of a file, so all ${megabytes(fileBytes)} are downloaded.`,
  );
  return new WholeDownload(first, { url, fileBytes, onBytes: options.onBytes });
}

function rangeSource(
  client: RangeClient,
  url: string,
  fileBytes: number,
  etag: string | null,
): ByteSource {
  const source = { fileBytes, label: url };
  return {
    ...source,
    async read(offsetBytes, lengthBytes) {
      checkRange(source, offsetBytes, lengthBytes);
      const bytes = new Uint8Array(lengthBytes);
      if (lengthBytes > 0) await client.fill(bytes, offsetBytes, fileBytes, etag);
      return bytes;
    },
  };
}

function checkUrl(url: string): void {
  const base = typeof location === "undefined" ? undefined : location.href;
  const parsed = URL.canParse(url, base) ? new URL(url, base) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new ModelError(
      "unreachable",
      `${JSON.stringify(url)} is not a web address. Give one that begins with http:// or https://.`,
    );
  }
}

class RangeClient {
  readonly #url: string;
  readonly #options: UrlSourceOptions;

  constructor(url: string, options: UrlSourceOptions) {
    this.#url = url;
    this.#options = options;
  }

  /** An answer with status 200 or 206; retried while that can help. */
  async request(offsetBytes: number, lengthBytes: number): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#requestOnce(offsetBytes, lengthBytes);
      } catch (error) {
        if (!isTemporary(error) || attempt >= MAX_FIRST_ATTEMPTS) throw await this.#explain(error);
        await this.#pause(attempt);
      }
    }
  }

  async lengthByHead(): Promise<number> {
    const response = await this.#fetch(this.#url, { method: "HEAD" }).catch(() => null);
    const length = response?.headers.get("content-length") ?? null;
    if (length === null || !Number.isSafeInteger(Number(length))) {
      throw new ModelError(
        "refused",
        `The server of ${this.#url} does not tell this page how long the file is (it must expose ` +
          "Content-Range or Content-Length). Download the file and open it from disk.",
      );
    }
    return Number(length);
  }

  /** Fills `bytes` from the file; each failed attempt goes on after the bytes that came. */
  async fill(
    bytes: Uint8Array,
    offsetBytes: number,
    fileBytes: number,
    etag: string | null,
  ): Promise<void> {
    let done = 0;
    for (let attempt = 1; done < bytes.length; attempt++) {
      const before = done;
      try {
        for await (const piece of this.#pieces(
          offsetBytes + done,
          bytes.length - done,
          fileBytes,
          etag,
        )) {
          const wanted = piece.subarray(0, bytes.length - done);
          bytes.set(wanted, done);
          done += wanted.length;
          this.#options.onBytes?.(wanted.length);
        }
        if (done < bytes.length) throw new TypeError("the connection closed early");
      } catch (error) {
        if (done > before) attempt = 1;
        if (!isTemporary(error) || attempt >= MAX_ATTEMPTS) throw await this.#explain(error);
        this.#options.onNotice?.(
          `The download of ${this.#url} broke off (${errorMessage(error)}) and goes on.`,
        );
        await this.#pause(attempt);
      }
    }
  }

  async *#pieces(
    offsetBytes: number,
    lengthBytes: number,
    fileBytes: number,
    etag: string | null,
  ): AsyncGenerator<Uint8Array> {
    const abort = new AbortController();
    const stalled = () => abort.abort(new TypeError("no byte came for too long"));
    let timer = setTimeout(stalled, this.#stallTimeoutMs);
    try {
      const response = await this.#requestOnce(offsetBytes, lengthBytes, abort.signal);
      this.#checkSameFile(response, fileBytes, etag);
      const reader = response.body?.getReader();
      for (;;) {
        const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(stalled, this.#stallTimeoutMs);
        yield value;
      }
    } finally {
      clearTimeout(timer);
      abort.abort();
    }
  }

  #checkSameFile(response: Response, fileBytes: number, etag: string | null): void {
    const newTag = response.headers.get("etag");
    const newTotal = totalBytes(response.headers);
    const changed =
      response.status !== 206 ||
      (newTotal !== null && newTotal !== fileBytes) ||
      (etag !== null && newTag !== null && newTag !== etag);
    if (changed) {
      throw new ModelError(
        "truncated",
        `The file at ${this.#url} changed while it was read. Load the model again.`,
      );
    }
  }

  async #requestOnce(
    offsetBytes: number,
    lengthBytes: number,
    signal?: AbortSignal,
  ): Promise<Response> {
    const response = await this.#fetch(this.#url, {
      headers: { Range: `bytes=${offsetBytes}-${offsetBytes + lengthBytes - 1}` },
      ...(signal === undefined ? {} : { signal }),
    });
    if (response.status === 200 || response.status === 206) return response;
    await response.body?.cancel();
    throw explainStatus(this.#url, response.status);
  }

  async #explain(error: unknown): Promise<ModelError> {
    return error instanceof ModelError
      ? error
      : await explainNetworkError(this.#url, error, (url, init) => this.#fetch(url, init));
  }

  #fetch(url: string, init: RequestInit): Promise<Response> {
    return (this.#options.fetch ?? fetch)(url, init);
  }

  get #stallTimeoutMs(): number {
    return this.#options.stallTimeoutMs ?? STALL_TIMEOUT_MS;
  }

  #pause(attempt: number): Promise<void> {
    const first = this.#options.retryDelayMs ?? FIRST_RETRY_DELAY_MS;
    return new Promise((resolve) => setTimeout(resolve, first * 2 ** (attempt - 1)));
  }
}

/** The 999 of "bytes 0-0/999"; null where the header is hidden by CORS or has a star. */
function totalBytes(headers: Headers): number | null {
  const match = /\/(\d+)$/.exec(headers.get("content-range") ?? "");
  const total = Number(match?.[1] ?? NaN);
  return Number.isSafeInteger(total) ? total : null;
}
