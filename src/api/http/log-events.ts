/**
 * The room's log as server-sent events, each with its index as id. A `snapshot`
 * comes first if the log no longer holds the events that the client asked for.
 */
import { PushQueue, type RoomClient } from "../../cluster/index.ts";
import type { IndexedEvent, RoomState } from "../../shared/index.ts";

/** `after` is the index of the last event that the client has; null for the whole log. */
export async function* logEvents(
  client: RoomClient,
  after: number | null,
  signal?: AbortSignal,
): AsyncGenerator<string, void> {
  const queue = new PushQueue<string>();
  const { base, events } = client.log;
  const last = client.state.nextIndex - 1;
  const isHeld = after !== null && after >= base.nextIndex - 1 && after <= last;
  if (!isHeld) queue.push(snapshotEvent(base));
  for (const event of events) {
    if (!isHeld || event.index > after) queue.push(logEvent(event));
  }
  const unsubscribe = client.subscribe(({ event }) => {
    if (event) queue.push(logEvent(event));
    else if (client.connection === "lost") queue.end();
  });
  const onAbort = () => queue.end();
  signal?.addEventListener("abort", onAbort);
  if (signal?.aborted) onAbort();
  try {
    yield* queue;
  } finally {
    unsubscribe();
    signal?.removeEventListener("abort", onAbort);
  }
}

function snapshotEvent(state: RoomState): string {
  return `id: ${state.nextIndex - 1}\nevent: snapshot\ndata: ${JSON.stringify(state)}\n\n`;
}

function logEvent(indexed: IndexedEvent): string {
  return `id: ${indexed.index}\nevent: ${indexed.event.type}\ndata: ${JSON.stringify(indexed)}\n\n`;
}
