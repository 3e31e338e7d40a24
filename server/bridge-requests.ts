/**
 * The HTTP requests in flight on one coordinator's socket: each waits for its
 * response, its chunks and its end. Does not know sockets: `sendToPage` is given.
 *
 * A slow reader must not stall the others on the same socket, so its chunks
 * wait here, and beyond `MAX_WAITING_BYTES` its request is cancelled.
 */
import type { Response } from "express";
import type { BridgeRequest, PageToServer, ServerToPage } from "../src/shared/index.ts";
import { errorEvent, sendError, type ApiError } from "./api-error.ts";

/** Hours of tokens, or seconds of an event log: a client this far behind is not reading. */
export const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** The only headers that a page may set; the others are the server's business. */
const PASSED_HEADERS = new Set(["content-type", "cache-control", "retry-after", "x-request-id"]);

export const COORDINATOR_GONE: ApiError = {
  status: 503,
  code: "coordinator_gone",
  message: "The room's coordinator left while it was answering. Ask again.",
};

export class BridgeRequests {
  private readonly waiting = new Map<string, Response>();
  private readonly sendToPage: (message: ServerToPage) => void;
  private lastId = 0;

  constructor(sendToPage: (message: ServerToPage) => void) {
    this.sendToPage = sendToPage;
  }

  /** Hands the request to the page; `response` is answered when the page answers. */
  start(request: Omit<BridgeRequest, "type" | "id">, response: Response): void {
    const id = String(++this.lastId);
    this.waiting.set(id, response);
    response.on("close", () => this.cancel(id));
    this.sendToPage({ type: "request", id, ...request });
  }

  /** A message for a request that has been cancelled in the meantime is dropped. */
  take(message: Exclude<PageToServer, { type: "hello" }>): void {
    const response = this.waiting.get(message.id);
    if (response === undefined) return;
    switch (message.type) {
      case "response":
        return begin(response, message.status, message.headers);
      case "chunk":
        response.write(message.data);
        if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
        return;
      case "end":
        this.waiting.delete(message.id);
        response.end();
        return;
      default:
        message satisfies never;
    }
  }

  /** Answers all that wait: the page is gone. */
  failAll(error: ApiError): void {
    const responses = [...this.waiting.values()];
    this.waiting.clear();
    for (const response of responses) fail(response, error);
  }

  private cancel(id: string): void {
    if (this.waiting.delete(id)) this.sendToPage({ type: "cancel", id });
  }
}

function begin(response: Response, status: number, headers: Record<string, string>): void {
  if (response.headersSent) return;
  response.status(status);
  for (const [name, value] of Object.entries(headers)) {
    // A header's value cannot hold a line break; a page that sends one is not trusted with it.
    if (PASSED_HEADERS.has(name.toLowerCase()) && /^[\t\x20-\x7e]*$/.test(value)) {
      response.setHeader(name, value);
    }
  }
  // Proxies that buffer would turn a stream into one late answer.
  response.setHeader("X-Accel-Buffering", "no");
  response.flushHeaders();
}

function fail(response: Response, error: ApiError): void {
  if (!response.headersSent) return sendError(response, error);
  const type = String(response.getHeader("content-type") ?? "");
  if (type.startsWith("text/event-stream")) response.end(errorEvent(error));
  else response.destroy();
}
