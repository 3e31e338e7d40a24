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

/** A line that clients ignore, for people who read the stream. */
export function comment(text: string): string {
  return `: ${text.replace(/\s+/g, " ")}\n\n`;
}

/** One event without a name, as OpenAI's streams have them. */
export function dataEvent(data: unknown): string {
  return `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
}
