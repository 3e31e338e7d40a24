/**
 * The HTTP requests that the server relayed to this tab, each answered by the room's routes, in chunks.
 * The server pauses and resumes an answer as its HTTP client reads, and cancels it when the client
 * disconnects.
 */
import {
  type BridgeRequest,
  MAX_CHUNK_CHARACTERS,
  type PageToServer,
  type ServerToPage,
} from "../shared/index.ts";
import { nameOfRoom } from "../words/index.ts";
import type { ApiRoom } from "./http/api-room.ts";
import { apiErrorOf, errorResponse } from "./http/errors.ts";
import { dataEvent } from "./http/event-stream.ts";
import { createRoutes } from "./http/router.ts";

/** The server's socket. */
export type ServerLink = {
  readonly send: (message: PageToServer) => void;
  /** Bytes that were sent and that the server has not read. */
  readonly unreadBytes: () => number;
};

/** Above this the bridge waits for the server to read. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024;
/** A WebSocket has no event for a drained buffer. */
const DRAIN_POLL_MS = 20;

export class BridgeAnswers {
  readonly #room: ApiRoom;
  readonly #server: ServerLink;
  readonly #routes: ReturnType<typeof createRoutes>;
  readonly #inFlight = new Map<string, BridgeAnswer>();

  constructor(room: ApiRoom, server: ServerLink) {
    this.#room = room;
    this.#server = server;
    this.#routes = createRoutes(room);
  }

  /** A request, or what becomes of one; nothing for a request that has ended. */
  take(message: Extract<ServerToPage, { readonly id: string }>): void {
    if (message.type === "request") void this.#answer(message);
    else this.#inFlight.get(message.id)?.[message.type]();
  }

  cancelAll(): void {
    for (const answer of this.#inFlight.values()) answer.cancel();
    this.#inFlight.clear();
  }

  async #answer(request: BridgeRequest): Promise<void> {
    const { id } = request;
    const answer = new BridgeAnswer();
    this.#inFlight.set(id, answer);
    const response = await this.#respond(request, answer.signal);
    if (answer.signal.aborted) await response.body?.cancel();
    else await this.#relay(id, response, answer);
    this.#inFlight.delete(id);
    if (!answer.signal.aborted) this.#server.send({ type: "end", id });
  }

  /** Never rejects. */
  async #respond(
    { method, path, query, headers, body }: BridgeRequest,
    signal: AbortSignal,
  ): Promise<Response> {
    const url = new URL(`http://room${path}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const hasBody = method !== "GET" && method !== "HEAD";
    try {
      const init = { method, headers, signal, ...(hasBody ? { body } : {}) };
      return await this.#routes.fetch(new Request(url, init));
    } catch (error) {
      // A method that the Fetch API forbids.
      return errorResponse(error, nameOfRoom(this.#room.client.state));
    }
  }

  async #relay(id: string, { status, headers, body }: Response, answer: BridgeAnswer) {
    const { send, unreadBytes } = this.#server;
    send({ type: "response", id, status, headers: Object.fromEntries(headers) });
    if (!body) return;
    try {
      for await (const data of answer.chunks(body)) {
        send({ type: "chunk", id, data });
        while (unreadBytes() > HIGH_WATER_BYTES && !answer.signal.aborted) {
          await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
        }
      }
    } catch (error) {
      const { body } = apiErrorOf(error, nameOfRoom(this.#room.client.state));
      send({ type: "chunk", id, data: dataEvent(body) });
    }
  }
}

/** One answer, as the server controls it. */
export class BridgeAnswer {
  readonly #abort = new AbortController();
  #resumed = Promise.resolve();
  #resume: (() => void) | null = null;

  /** Aborts when nobody waits for the response any more. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  cancel(): void {
    this.#abort.abort();
    this.resume();
  }

  pause(): void {
    if (this.#resume !== null || this.signal.aborted) return;
    this.#resumed = new Promise((resolve) => (this.#resume = resolve));
  }

  resume(): void {
    this.#resume?.();
    this.#resume = null;
  }

  /** The chunks of `body`, in whole characters; reads no more of it while paused, and ends when cancelled. */
  async *chunks(body: NonNullable<Response["body"]>): AsyncGenerator<string, void> {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    while (!this.signal.aborted) {
      const { value, done } = await reader.read();
      if (done) return;
      for (let at = 0; at < value.length; at += MAX_CHUNK_CHARACTERS) {
        await this.#resumed;
        if (this.signal.aborted) break;
        yield decoder.decode(value.subarray(at, at + MAX_CHUNK_CHARACTERS), { stream: true });
      }
    }
    await reader.cancel();
  }
}
