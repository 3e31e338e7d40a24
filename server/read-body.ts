/** The text of requests' bodies, up to a limit for each and for all that are being read. */
import type { ApiProblem } from "../src/shared/index.ts";
import type { Limits } from "./limits.ts";

export class BodyReader {
  readonly #limits: Pick<Limits, "bodyBytes" | "bodiesBytes">;
  #heldBytes = 0;

  constructor(limits: Pick<Limits, "bodyBytes" | "bodiesBytes">) {
    this.#limits = limits;
  }

  /** The body's text, or why it is refused. */
  async read(request: Request): Promise<string | ApiProblem> {
    const { bodyBytes, bodiesBytes } = this.#limits;
    const tooLarge = { reason: "body_too_large", maxBytes: bodyBytes } as const;
    if (Number(request.headers.get("content-length")) > bodyBytes) return tooLarge;
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    try {
      for await (const chunk of request.body ?? []) {
        bytes += chunk.byteLength;
        this.#heldBytes += chunk.byteLength;
        // Leaving the loop cancels the body.
        if (bytes > bodyBytes) return tooLarge;
        if (this.#heldBytes > bodiesBytes) return { reason: "rate_limited", retryAfterS: 1 };
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString("utf8");
    } catch {
      // The client disconnected, or was too slow.
      return { reason: "body_incomplete" };
    } finally {
      this.#heldBytes -= bytes;
    }
  }
}
