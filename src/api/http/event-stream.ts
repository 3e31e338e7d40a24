/** Server-sent events as a `Response`. */

/** Each string of `events` is one or more whole events. Cancelling the body ends `events`. */
export function eventStream(events: AsyncGenerator<string, void>): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await events.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      await events.return();
    },
  });
  const headers = { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" };
  return new Response(body, { headers });
}

/** One event without a name, as OpenAI's streams have them. */
export function dataEvent(data: unknown): string {
  return `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
}
