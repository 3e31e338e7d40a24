/**
 * The HTTP requests in flight on one coordinator's socket: each waits for its
 * response, its chunks, and its end. Does not know sockets: `sendToPage` is given.
 *
 * A slow reader must not delay the other requests on the same socket, so its chunks are
 * queued here. Above `pauseBytes` the page pauses this answer; above `cancelBytes`, when
 * it did not, the request is cancelled.
 */
import type { ApiProblem, BridgeRequest, PageToServer, ServerToPage } from "../src/shared/index.ts";
import { problemEvent, problemResponse } from "./api-error.ts";
import type { Limits } from "./limits.ts";

/**
 * The only types that a room's answer may have: a page of HTML, from a member or from whoever
 * took its place, would run at the server's own origin.
 */
const RELAYED_TYPES = ["application/json", "text/event-stream"];

/** The only other headers that a page may set; the server sets the rest. */
const RELAYED_HEADERS = new Set(["retry-after", "x-request-id"]);

/** Statuses whose responses have no body. */
const BODYLESS = new Set([204, 205, 304]);

type Exchange = {
  readonly respond: (response: Response) => void;
  readonly body: ReadableStream<Uint8Array>;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** The response's type; null until it has begun. */
  contentType: string | null;
  isPaused: boolean;
};

type RequestLimits = Pick<Limits, "requestsPerRoom" | "pauseBytes" | "resumeBytes" | "cancelBytes">;

type ResponseMessage = Extract<PageToServer, { type: "response" }>;

export class BridgeRequests {
  readonly #exchanges = new Map<string, Exchange>();
  readonly #sendToPage: (message: ServerToPage) => void;
  readonly #limits: RequestLimits;
  #lastId = 0;
  /** Requests whose bodies are being read. */
  #reserved = 0;

  constructor(sendToPage: (message: ServerToPage) => void, limits: RequestLimits) {
    this.#sendToPage = sendToPage;
    this.#limits = limits;
  }

  get maxRequests(): number {
    return this.#limits.requestsPerRoom;
  }

  /** Reserves a place for a request until `release`; null if too many are in flight. */
  takeSlot(): { readonly release: () => void } | null {
    if (this.#exchanges.size + this.#reserved >= this.maxRequests) return null;
    this.#reserved += 1;
    return { release: () => void (this.#reserved -= 1) };
  }

  /** Sends the request to the page; resolves when the page responds. `signal` cancels it. */
  start(request: Omit<BridgeRequest, "type" | "id">, signal: AbortSignal): Promise<Response> {
    const id = String(++this.#lastId);
    signal.addEventListener("abort", () => this.#cancel(id));
    return new Promise((respond) => {
      let controller!: Exchange["controller"];
      const body = new ReadableStream<Uint8Array>(
        {
          start: (started) => void (controller = started),
          pull: () => this.#resume(id),
          cancel: () => this.#cancel(id),
        },
        // Pulls when fewer bytes wait.
        new ByteLengthQueuingStrategy({ highWaterMark: this.#limits.resumeBytes }),
      );
      const exchange = { respond, body, controller, contentType: null, isPaused: false };
      this.#exchanges.set(id, exchange);
      this.#sendToPage({ type: "request", id, ...request });
    });
  }

  /** A message for a request that has been cancelled in the meantime is dropped. */
  take(message: Exclude<PageToServer, { type: "claim" }>): void {
    const exchange = this.#exchanges.get(message.id);
    if (exchange === undefined) return;
    const { contentType } = exchange;
    // A response comes first, and once.
    if ((message.type === "response") !== (contentType === null)) {
      this.#cancel(message.id);
      return fail(exchange, { reason: "invalid_answer" });
    }
    switch (message.type) {
      case "response":
        return this.#begin(exchange, message);
      case "chunk":
        return this.#enqueue(message.id, exchange, message.data);
      case "end":
        this.#exchanges.delete(message.id);
        return exchange.controller.close();
      default:
        message satisfies never;
    }
  }

  /** Responds to all requests in flight: the page is gone. */
  failAll(problem: ApiProblem): void {
    const exchanges = [...this.#exchanges.values()];
    this.#exchanges.clear();
    for (const exchange of exchanges) fail(exchange, problem);
  }

  #begin(exchange: Exchange, { id, status, headers }: ResponseMessage): void {
    const begun = responseOf(exchange.body, status, headers);
    if (begun === null) {
      this.#cancel(id);
      return fail(exchange, { reason: "invalid_answer" });
    }
    exchange.contentType = begun.contentType;
    exchange.respond(begun.response);
  }

  #enqueue(id: string, exchange: Exchange, text: string): void {
    const { controller } = exchange;
    const { resumeBytes, pauseBytes, cancelBytes } = this.#limits;
    controller.enqueue(Buffer.from(text));
    const waitingBytes = resumeBytes - (controller.desiredSize ?? 0);
    if (waitingBytes > cancelBytes) {
      this.#cancel(id);
      controller.error(new Error("the client does not read its response"));
    } else if (waitingBytes > pauseBytes && !exchange.isPaused) {
      exchange.isPaused = true;
      this.#sendToPage({ type: "pause", id });
    }
  }

  #resume(id: string): void {
    const exchange = this.#exchanges.get(id);
    if (exchange?.isPaused !== true) return;
    exchange.isPaused = false;
    this.#sendToPage({ type: "resume", id });
  }

  #cancel(id: string): void {
    if (this.#exchanges.delete(id)) this.#sendToPage({ type: "cancel", id });
  }
}

/** The room's answer as a response; null if it has a type that is not relayed. */
function responseOf(
  body: ReadableStream<Uint8Array>,
  status: number,
  given: Record<string, string>,
): { readonly response: Response; readonly contentType: string } | null {
  // Proxies that buffer would turn a stream into one late response.
  const headers = new Headers({ "X-Accel-Buffering": "no", "Cache-Control": "no-store" });
  const sent = new Map(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]));
  for (const [name, value] of sent) {
    // A header's value cannot contain a line break.
    if (RELAYED_HEADERS.has(name) && /^[\t\x20-\x7e]*$/.test(value)) headers.set(name, value);
  }
  if (BODYLESS.has(status)) {
    return { response: new Response(null, { status, headers }), contentType: "" };
  }
  const type = sent.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (!RELAYED_TYPES.includes(type)) return null;
  headers.set("Content-Type", type);
  return { response: new Response(body, { status, headers }), contentType: type };
}

function fail({ respond, controller, contentType }: Exchange, problem: ApiProblem): void {
  if (contentType === null) respond(problemResponse(problem));
  else if (contentType.startsWith("text/event-stream")) {
    controller.enqueue(Buffer.from(problemEvent(problem)));
    controller.close();
  } else controller.error(new Error(problem.reason));
}
