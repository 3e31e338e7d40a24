/**
 * Why a URL could not be read, as far as a browser tells a page.
 *
 * A failed fetch is the same `TypeError` for all causes. If the same request without
 * CORS succeeds, the server exists and CORS was the cause. A cross-origin isolated
 * page may be denied that second answer too; then either may be the cause.
 */
import { detailOf, type ModelFailure } from "../shared/index.ts";
import { ModelError } from "./model-error.ts";

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Whether the same request may succeed a moment later. */
export function isTemporary(error: unknown): boolean {
  if (!(error instanceof ModelError)) return true;
  const { failure } = error;
  if (failure.reason !== "http_status") return false;
  return failure.status >= 500 || failure.status === 429 || failure.status === 408;
}

/** After the last attempt: requests once more without CORS to find the cause. */
export async function networkError(
  url: string,
  error: unknown,
  fetchOnce: Fetch,
): Promise<ModelError> {
  return new ModelError(await networkFailure(url, detailOf(error), fetchOnce), { cause: error });
}

async function networkFailure(
  url: string,
  detail: string,
  fetchOnce: Fetch,
): Promise<ModelFailure> {
  const page = pageUrl();
  const { host, hostname, origin, protocol } = new URL(url, page ?? undefined);
  const isOwnServer = page === null || page.origin === origin;
  const unreachable = { reason: "url_unreachable", url, host, detail, isOwnServer } as const;
  if (isOwnServer) return { ...unreachable, mayBeCors: false };
  if (page.protocol === "https:" && protocol === "http:" && !isLoopback(hostname))
    return { reason: "mixed_content", url };
  if (await answersWithoutCors(url, fetchOnce)) return { reason: "cors_refused", url, host };
  const isIsolated = typeof crossOriginIsolated !== "undefined" && crossOriginIsolated;
  return { ...unreachable, mayBeCors: isIsolated };
}

async function answersWithoutCors(url: string, fetchOnce: Fetch): Promise<boolean> {
  const abort = new AbortController();
  try {
    await fetchOnce(url, { mode: "no-cors", signal: abort.signal });
    return true;
  } catch {
    return false; // the question was whether it answers
  } finally {
    abort.abort();
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}

/** The page's address; null in Node. */
export function pageUrl(): URL | null {
  return typeof location === "undefined" ? null : new URL(location.href);
}
