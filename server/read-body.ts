/** The text of a request's body, up to a limit. */
import type { ApiProblem } from "../src/shared/index.ts";

export type Body =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "refused"; readonly problem: ApiProblem };

export async function readBody(request: Request, maxBytes: number): Promise<Body> {
  const tooLarge = { kind: "refused", problem: { reason: "body_too_large", maxBytes } } as const;
  if (Number(request.headers.get("content-length")) > maxBytes) return tooLarge;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request.body ?? []) {
      bytes += chunk.byteLength;
      // Leaving the loop cancels the body.
      if (bytes > maxBytes) return tooLarge;
      chunks.push(chunk);
    }
  } catch {
    // The client disconnected, or was too slow.
    return { kind: "refused", problem: { reason: "body_incomplete" } };
  }
  return { kind: "text", text: Buffer.concat(chunks).toString("utf8") };
}
