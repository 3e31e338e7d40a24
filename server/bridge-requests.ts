/**
 * The HTTP requests in flight on one coordinator's socket, each as a `BridgeExchange`.
 * Does not know sockets: `page` is given.
 */
import type { ApiProblem, BridgeRequest, ServerToPage } from "../src/shared/index.ts";
import { problemResponse } from "./api-error.ts";
import { type AnswerMessage, BridgeExchange } from "./bridge-exchange.ts";
import type { Limits } from "./limits.ts";

type RequestLimits = Pick<
  Limits,
  "requestsPerRoom" | "unreadBytes" | "pauseBytes" | "resumeBytes" | "cancelBytes"
>;

/** The page's socket. */
export type PageLink = {
  readonly send: (message: ServerToPage) => void;
  /** Bytes that were sent and that the page has not read. */
  readonly unreadBytes: () => number;
};

export type HttpClient = {
  /** Aborts when the client disconnects. */
  readonly signal: AbortSignal;
  readonly disconnect: () => void;
};

export class BridgeRequests {
  readonly #exchanges = new Map<string, BridgeExchange>();
  readonly #page: PageLink;
  readonly #limits: RequestLimits;
  #lastId = 0;
  /** Requests whose bodies are being read. */
  #reserved = 0;

  constructor(page: PageLink, limits: RequestLimits) {
    this.#page = page;
    this.#limits = limits;
  }

  get maxRequests(): number {
    return this.#limits.requestsPerRoom;
  }

  /** The page does not read its requests, which the server would have to keep. */
  isUnread(): boolean {
    return this.#page.unreadBytes() > this.#limits.unreadBytes;
  }

  /** Reserves a place for a request until `release`; null if too many are in flight. */
  takeSlot(): { readonly release: () => void } | null {
    const inFlight = this.#exchanges.size + this.#reserved;
    if (inFlight >= this.maxRequests || this.isUnread()) return null;
    this.#reserved += 1;
    return { release: () => void (this.#reserved -= 1) };
  }

  /** Sends the request to the page; resolves when the page responds. */
  start(
    request: Omit<BridgeRequest, "type" | "id">,
    { signal, disconnect }: HttpClient,
  ): Promise<Response> {
    if (signal.aborted) return Promise.resolve(problemResponse({ reason: "body_incomplete" }));
    const id = String(++this.#lastId);
    signal.addEventListener("abort", () => this.#tell(id, "cancel"));
    const exchange = new BridgeExchange({
      limits: this.#limits,
      tell: (type) => this.#tell(id, type),
      disconnect,
    });
    this.#exchanges.set(id, exchange);
    this.#page.send({ type: "request", id, ...request });
    return exchange.response;
  }

  /** A message for a request that has been cancelled in the meantime is dropped. */
  take(message: AnswerMessage): void {
    const exchange = this.#exchanges.get(message.id);
    if (message.type === "end") this.#exchanges.delete(message.id);
    exchange?.take(message);
  }

  /** Responds to all requests in flight: the page is gone. */
  failAll(problem: ApiProblem): void {
    const exchanges = [...this.#exchanges.values()];
    this.#exchanges.clear();
    for (const exchange of exchanges) exchange.fail(problem);
  }

  /** The page needs no message about a request that has ended. */
  #tell(id: string, type: "pause" | "resume" | "cancel"): void {
    if (!this.#exchanges.has(id)) return;
    if (type === "cancel") this.#exchanges.delete(id);
    this.#page.send({ type, id });
  }
}
