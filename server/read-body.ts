/** The text of requests' bodies, up to a limit for each and for all that are being read. */
import type { ApiProblem } from "../src/shared/index.ts";
import type { Limits } from "./limits.ts";

export type Body =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "refused"; readonly problem: ApiProblem };

export class BodyReader {
  readonly #limits: Pick<Limits, "bodyBytes" | "bodiesBytes">;
  #heldBytes = 0;

  constructor(limits: Pick<Limits, "bodyBytes" | "bodiesBytes">) {
    this.#limits = limits;
  }

  async read(request: Request): Promise<Body> {
    const { bodyBytes, bodiesBytes } = this.#limits;
    const tooLarge = refused({ reason: "body_too_large", maxBytes: bodyBytes });
    if (Number(request.headers.get("content-length")) > bodyBytes) return tooLarge;
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    try {
      for await (const chunk of request.body ?? []) {
        bytes += chunk.byteLength;
        this.#heldBytes += chunk.byteLength;
        // Leaving the loop cancels the body.
        if (bytes > bodyBytes) return tooLarge;
        if (this.#heldBytes > bodiesBytes) return refused(TOO_MANY);
        chunks.push(chunk);
      }
      return { kind: "text", text: Buffer.concat(chunks).toString("utf8") };
    } catch {
      // The client disconnected, or was too slow.
      return refused({ reason: "body_incomplete" });
    } finally {
      this.#heldBytes -= bytes;
    }
  }
}

const TOO_MANY: ApiProblem = { reason: "rate_limited", retryAfterS: 1 };

function refused(problem: ApiProblem): Body {
  return { kind: "refused", problem };
}
