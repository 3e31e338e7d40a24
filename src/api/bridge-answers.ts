/** The HTTP requests that the server relayed to this tab, each answered by the room's routes. */
import type { BridgeRequest, PageToServer } from "../shared/index.ts";
import { nameOfRoom } from "../words/index.ts";
import { BridgeAnswer } from "./bridge-answer.ts";
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

  /** Undefined for a request that has ended. */
  get(id: string): BridgeAnswer | undefined {
    return this.#inFlight.get(id);
  }

  cancelAll(): void {
    for (const answer of this.#inFlight.values()) answer.cancel();
    this.#inFlight.clear();
  }

  async answer(request: BridgeRequest): Promise<void> {
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
  async #respond(request: BridgeRequest, signal: AbortSignal): Promise<Response> {
    try {
      return await this.#routes.fetch(fetchRequest(request, signal));
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

function fetchRequest(
  { method, path, query, headers, body }: BridgeRequest,
  signal: AbortSignal,
): Request {
  const url = new URL(`http://room${path}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const hasBody = method !== "GET" && method !== "HEAD";
  return new Request(url, { method, headers, signal, ...(hasBody ? { body } : {}) });
}
