/**
 * Why a URL could not be read, in words with what to do: as much as a browser
 * lets a page know.
 *
 * A failed fetch is one `TypeError` for all causes. Where the same request
 * without CORS is answered, the server is there and CORS was the reason. A page
 * that is cross-origin isolated may be denied that second answer too; then both
 * reasons are named.
 */
import { ModelError } from "./model-error.ts";
import { errorMessage } from "../shared/index.ts";

/** An answer that says "not now": worth another attempt. */
class TemporaryStatusError extends ModelError {}

/** Whether the same request may succeed a moment later. */
export function isTemporary(error: unknown): boolean {
  return !(error instanceof ModelError) || error instanceof TemporaryStatusError;
}

export function explainStatus(url: string, status: number): ModelError {
  if (status === 404 || status === 410) {
    return new ModelError(
      "not_found",
      `There is no file at ${url} (HTTP ${status}). Check the address.`,
    );
  }
  if (status === 401 || status === 403) {
    return new ModelError(
      "refused",
      `The server refuses ${url} (HTTP ${status}): the file needs a login or its licence must be accepted. ` +
        "Download it in a browser that is logged in and open it from disk.",
    );
  }
  if (status === 416) {
    return new ModelError(
      "truncated",
      `The file at ${url} is shorter than it was or empty (HTTP 416). Load the model again.`,
    );
  }
  const message = `The server of ${url} answered with HTTP ${status}. Try again later.`;
  return status >= 500 || status === 429 || status === 408
    ? new TemporaryStatusError("unreachable", message)
    : new ModelError("refused", message);
}

/** After the last attempt: asks once more without CORS to tell a refusal from an absence. */
export async function explainNetworkError(
  url: string,
  error: unknown,
  fetchOnce: (url: string, init: RequestInit) => Promise<Response>,
): Promise<ModelError> {
  const target = new URL(url, here());
  const host = target.host;
  const page = here() === undefined ? null : new URL(here() ?? "");
  const unreachable = `${url} cannot be reached (${errorMessage(error)}). Check the address and the network`;
  if (page === null || page.origin === target.origin) {
    return new ModelError("unreachable", `${unreachable}, and that the server ${host} is running.`);
  }
  if (page.protocol === "https:" && target.protocol === "http:" && !isLoopback(target.hostname)) {
    return new ModelError(
      "refused",
      `This page came over HTTPS, so the browser does not read ${url} over HTTP. Use an https:// address.`,
    );
  }
  const refusal =
    `the server ${host} does not let other pages read its files (CORS). Use a server that sends ` +
    "Access-Control-Allow-Origin, or download the file and open it from disk";
  if (await answersWithoutCors(url, fetchOnce)) {
    return new ModelError("refused", `${url} is there, but ${refusal}.`);
  }
  const hidden = typeof crossOriginIsolated !== "undefined" && crossOriginIsolated;
  return new ModelError(
    "unreachable",
    hidden
      ? `${unreachable}. If it opens in a tab of its own, then ${refusal}.`
      : `${unreachable}.`,
  );
}

async function answersWithoutCors(
  url: string,
  fetchOnce: (url: string, init: RequestInit) => Promise<Response>,
): Promise<boolean> {
  const abort = new AbortController();
  try {
    await fetchOnce(url, { mode: "no-cors", signal: abort.signal });
    return true;
  } catch {
    return false; // the question was whether it is answered
  } finally {
    abort.abort();
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}

function here(): string | undefined {
  return typeof location === "undefined" ? undefined : location.href;
}
