/**
 * A file from a server without range requests. One download runs; a read waits for
 * its bytes. They are kept as Blobs, which browsers may move to disk.
 */
import { type ByteSource, checkRange } from "./byte-source.ts";
import { ModelError } from "./model-error.ts";
import { detailOf } from "../shared/index.ts";

const BLOB_BYTES = 8 << 20;

export class WholeDownload implements ByteSource {
  readonly fileBytes: number;
  readonly label: string;
  #kept = new Blob([]);
  #error: ModelError | null = null;
  #waiting: (() => void)[] = [];

  /** `response` has status 200 and an unread body. */
  constructor(response: Response, url: string, fileBytes: number) {
    this.fileBytes = fileBytes;
    this.label = url;
    this.#download(response).then(
      () => this.#wake(),
      (error: unknown) => {
        this.#error = new ModelError(
          {
            reason: "download_interrupted",
            url: this.label,
            doneBytes: this.#kept.size,
            fileBytes: this.fileBytes,
            detail: detailOf(error),
          },
          { cause: error },
        );
        this.#wake();
      },
    );
  }

  async read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(this, offsetBytes, lengthBytes);
    const end = offsetBytes + lengthBytes;
    while (this.#kept.size < end) {
      if (this.#error !== null) throw this.#error;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return new Uint8Array(await this.#kept.slice(offsetBytes, end).arrayBuffer());
  }

  async #download(response: Response): Promise<void> {
    const reader = response.body?.getReader();
    let pending: Uint8Array<ArrayBuffer>[] = [];
    let pendingBytes = 0;
    const keep = () => {
      this.#kept = new Blob([this.#kept, ...pending]);
      pending = [];
      pendingBytes = 0;
      this.#wake();
    };
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) break;
      pending.push(value);
      pendingBytes += value.length;
      if (this.#kept.size + pendingBytes > this.fileBytes)
        throw new Error("more bytes than declared");
      if (pendingBytes >= BLOB_BYTES) keep();
    }
    keep();
    if (this.#kept.size < this.fileBytes) throw new Error("the connection closed early");
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
