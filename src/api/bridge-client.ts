/**
 * The coordinator's end of the bridge: one WebSocket to the server, over which
 * HTTP requests come and answers go. Reconnects while it is open; every answer
 * that was under way when the socket broke is cancelled.
 */
import { z } from "zod";
import {
  BRIDGE_PATH,
  BRIDGE_VERSION,
  type BridgeRequest,
  type PageToServer,
  ServerToPage,
} from "../shared/bridge.ts";
import { errorBody } from "./http/errors.ts";
import type { HttpResponse, HttpRoom } from "./http/message.ts";
import { handleRequest } from "./http/router.ts";

/** What of a WebSocket is used; a test may hand in another one. */
export type BridgeSocket = Pick<
  WebSocket,
  "send" | "close" | "readyState" | "bufferedAmount" | "onopen" | "onmessage" | "onclose"
>;

export type BridgeClientOptions = {
  readonly room: HttpRoom;
  /** The server's address: "http://localhost:8787". */
  readonly server: string;
  readonly open?: (url: string) => BridgeSocket;
  readonly onConnection?: (connected: boolean) => void;
};

/** The first wait before the next attempt; doubles up to the longest. */
const RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;
/** A server that reads this slowly gets no more until it has read. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024;
const WEB_SOCKET_OPEN = 1;

export class BridgeClient {
  readonly #options: BridgeClientOptions;
  readonly #inFlight = new Map<string, AbortController>();
  #socket: BridgeSocket | null = null;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #retryMs = RETRY_MS;
  #closed = false;

  constructor(options: BridgeClientOptions) {
    this.#options = options;
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#socket?.close();
    this.#cancelAll();
  }

  #connect(): void {
    const { room, server, open } = this.#options;
    const url = new URL(BRIDGE_PATH, server);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("room", room.client.state.room);
    const socket = open ? open(url.href) : new WebSocket(url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#retryMs = RETRY_MS;
      const { client } = room;
      const { room: code, epoch } = client.state;
      this.#send({
        type: "hello",
        version: BRIDGE_VERSION,
        room: code,
        member: client.self,
        epoch,
      });
      this.#options.onConnection?.(true);
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = () => this.#broken();
  }

  #broken(): void {
    this.#cancelAll();
    this.#options.onConnection?.(false);
    if (this.#closed) return;
    this.#retry = setTimeout(() => this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
  }

  #receive(data: unknown): void {
    const parsed = z.string().pipe(Json).pipe(ServerToPage).safeParse(data);
    // Not from our server: nothing to answer, and no id to answer it with.
    if (!parsed.success) return;
    const message = parsed.data;
    if (message.type === "cancel") this.#inFlight.get(message.id)?.abort();
    else void this.#answer(message);
  }

  async #answer(request: BridgeRequest): Promise<void> {
    const { id } = request;
    const abort = new AbortController();
    this.#inFlight.set(id, abort);
    const response = await handleRequest({ ...request, signal: abort.signal }, this.#options.room);
    try {
      if (!abort.signal.aborted) await this.#pour(id, response, abort.signal);
    } catch (error) {
      this.#send({ type: "chunk", id, data: `data: ${JSON.stringify(errorBody(error).body)}\n\n` });
    } finally {
      this.#inFlight.delete(id);
      if (!abort.signal.aborted) this.#send({ type: "end", id });
    }
  }

  async #pour(id: string, { status, headers, body }: HttpResponse, signal: AbortSignal) {
    this.#send({ type: "response", id, status, headers: { ...headers } });
    if (typeof body === "string") return this.#send({ type: "chunk", id, data: body });
    for await (const data of body) {
      if (signal.aborted) break;
      this.#send({ type: "chunk", id, data });
      while ((this.#socket?.bufferedAmount ?? 0) > HIGH_WATER_BYTES && !signal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  #send(message: PageToServer): void {
    if (this.#socket?.readyState !== WEB_SOCKET_OPEN) return;
    this.#socket.send(JSON.stringify(message));
  }

  #cancelAll(): void {
    for (const abort of this.#inFlight.values()) abort.abort();
    this.#inFlight.clear();
  }
}

const Json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: "custom", message: "not JSON" });
    return z.NEVER;
  }
});
