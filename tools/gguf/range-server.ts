/**
 * A real HTTP server for one file, that can be told to misbehave. Listens on a
 * free port of this machine.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Behavior = {
  ranges?: boolean;
  cors?: "none" | "all" | "hide-range";
  status?: number;
  /** Break the connection after `breakAfterBytes` of a body, `breaks` times. */
  breakAfterBytes?: number;
  breaks?: number;
  /** Answer 503 this many times. */
  unavailable?: number;
  /** Send nothing after the headers, this many times. */
  stalls?: number;
  /** After so many body bytes in total, end all connections and accept none until `restore`. */
  outageAfterBytes?: number;
  etag?: () => string;
};

export type RangeServer = AsyncDisposable & {
  readonly url: string;
  readonly requests: string[]; // the Range header of each GET
  readonly behavior: Behavior;
  bytesSent: number;
  /** There is an outage: nothing listens. */
  readonly isOut: boolean;
  /** Ends the outage; there is no other one. */
  restore(): Promise<void>;
};

export async function startRangeServer(
  file: Uint8Array,
  behavior: Behavior = {},
): Promise<RangeServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    if (request.url === "/redirect") {
      response.writeHead(302, { Location: "/model.gguf", ...corsHeaders(behavior) }).end();
      return;
    }
    if (request.method === "GET") requests.push(request.headers.range ?? "");
    answer(request, response);
  });
  const listen = (port: number) =>
    new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const state: RangeServer = {
    url: `http://127.0.0.1:${port}/model.gguf`,
    requests,
    behavior,
    bytesSent: 0,
    get isOut() {
      return !server.listening;
    },
    restore: () => {
      delete behavior.outageAfterBytes;
      return listen(port);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return state;

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const headers: Record<string, string> = { ...corsHeaders(behavior) };
    if (behavior.etag !== undefined) headers.ETag = behavior.etag();
    const status = behavior.unavailable ? 503 : behavior.status;
    if (behavior.unavailable) behavior.unavailable--;
    if (status !== undefined) {
      response.writeHead(status, headers).end("no");
      return;
    }
    const [start, end] = wantedRange(request, file.length, behavior);
    if (start >= file.length) {
      response.writeHead(416, headers).end();
      return;
    }
    const body = file.subarray(start, end);
    const isPart = behavior.ranges !== false && request.headers.range !== undefined;
    if (isPart) headers["Content-Range"] = `bytes ${start}-${end - 1}/${file.length}`;
    headers["Content-Length"] = String(body.length);
    response.writeHead(isPart ? 206 : 200, headers);
    response.flushHeaders();
    if (request.method === "HEAD") response.end();
    else sendBody(response, body);
  }

  function sendBody(response: ServerResponse, body: Uint8Array): void {
    if (behavior.stalls) {
      behavior.stalls--;
      return;
    }
    const { breakAfterBytes = Infinity } = behavior;
    const breaks = (behavior.breaks ?? 0) > 0 && body.length > breakAfterBytes;
    const sent = body.subarray(0, breaks ? breakAfterBytes : body.length);
    state.bytesSent += sent.length;
    if (state.bytesSent > (behavior.outageAfterBytes ?? Infinity)) {
      server.close();
      return server.closeAllConnections();
    }
    if (breaks) behavior.breaks = (behavior.breaks ?? 0) - 1;
    response.write(sent, () => {
      if (breaks) response.destroy();
      else response.end();
    });
  }
}

function wantedRange(
  request: IncomingMessage,
  length: number,
  { ranges = true }: Behavior,
): [number, number] {
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  if (!ranges || match === null) return [0, length];
  return [Number(match[1]), Math.min(Number(match[2]) + 1, length)];
}

function corsHeaders({ cors = "all" }: Behavior): Record<string, string> {
  if (cors === "none") return {};
  const expose = cors === "all" ? { "Access-Control-Expose-Headers": "Content-Range, ETag" } : {};
  return { "Access-Control-Allow-Origin": "*", ...expose };
}
