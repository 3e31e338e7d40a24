/** An HTTP request and its answer as plain data: no sockets here. */
import type { RoomClient } from "../../cluster/room-client.ts";

export type HttpRequest = {
  /** In upper case. */
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Unparsed; empty when there is none. */
  readonly body: string;
  /** Aborts when the client hangs up. */
  readonly signal?: AbortSignal;
};

export type HttpResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** All at once, or in chunks as they come. */
  readonly body: string | AsyncIterable<string>;
};

/** What the routes need: the room, and the models that the server lends besides the room's own. */
export type HttpRoom = {
  readonly client: RoomClient;
  readonly offeredModels: () => Promise<readonly OfferedModel[]>;
};

export type OfferedModel = { readonly name: string; readonly url: string };

export function json(body: unknown, status = 200): HttpResponse {
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8" },
    body: JSON.stringify(body),
  };
}

/** A stream of server-sent events; each chunk is one or more whole events. */
export function eventStream(body: AsyncIterable<string>): HttpResponse {
  return {
    status: 200,
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" },
    body,
  };
}
