/**
 * One HTTP request that a room answers: its response, as the room's messages arrive.
 *
 * A slow reader must not delay the other requests on the same socket, so its chunks are queued
 * here. Above `pauseBytes` the page pauses this answer; above `cancelBytes`, when it did not,
 * the HTTP connection is closed.
 */
import type { ApiProblem, PageToServer } from "../src/shared/index.ts";
import { problemEvent, problemResponse } from "./api-error.ts";
import type { Limits } from "./limits.ts";

/** A message about one request. */
export type AnswerMessage = Exclude<PageToServer, { type: "claim" }>;

export type ExchangeOptions = {
  readonly limits: Pick<Limits, "pauseBytes" | "resumeBytes" | "cancelBytes">;
  /** Tells the page; after `cancel` the exchange has ended. */
  readonly tell: (type: "pause" | "resume" | "cancel") => void;
  /** Closes the HTTP connection: a response that has begun cannot become an error. */
  readonly disconnect: () => void;
};

/**
 * The only types that a room's answer may have: a page of HTML, from a member or from a tab that
 * took its place, would run at the server's own origin.
 */
const RELAYED_TYPES = ["application/json", "text/event-stream"];

/** The only other headers that a page may set; the server sets the rest. */
const RELAYED_HEADERS = new Set(["retry-after", "x-request-id"]);

/** Statuses whose responses have no body. */
const BODYLESS = new Set([204, 205, 304]);

export class BridgeExchange {
  readonly response: Promise<Response>;
  readonly #options: ExchangeOptions;
  readonly #body: ReadableStream<Uint8Array>;
  #respond!: (response: Response) => void;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  /** "answered": the HTTP client has the status, and the rest of the body follows. */
  #status: "waiting" | "begun" | "answered" = "waiting";
  /** Of an answer that has begun and waits for its first chunk; until then it can become an error. */
  #begun: Response | null = null;
  #isPaused = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.response = new Promise((respond) => (this.#respond = respond));
    this.#body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => this.#resume(),
        cancel: () => options.tell("cancel"),
      },
      // Pulls when fewer bytes wait.
      new ByteLengthQueuingStrategy({ highWaterMark: options.limits.resumeBytes }),
    );
  }

  /** Takes the room's next message. A response comes first, and once. */
  take(message: AnswerMessage): void {
    if ((message.type === "response") !== (this.#status === "waiting")) return this.#reject();
    switch (message.type) {
      case "response":
        return this.#begin(message.status, message.headers);
      case "chunk":
        this.#answer();
        return this.#enqueue(message.data);
      case "end":
        this.#answer();
        return this.#controller.close();
      default:
        message satisfies never;
    }
  }

  /** Ends with an error: as the response, or as an event of a stream, or by closing the connection. */
  fail(problem: ApiProblem): void {
    if (this.#status !== "answered") return this.#respond(problemResponse(problem));
    if (this.#isStream()) {
      this.#controller.enqueue(Buffer.from(problemEvent(problem)));
      this.#controller.close();
    } else this.#options.disconnect();
  }

  #reject(): void {
    this.#options.tell("cancel");
    this.fail({ reason: "invalid_answer" });
  }

  #begin(status: number, headers: Record<string, string>): void {
    this.#begun = responseOf(this.#body, status, headers);
    if (this.#begun === null) return this.#reject();
    this.#status = "begun";
    // A stream's client shows that it is connected before the first event.
    if (this.#isStream()) this.#answer();
  }

  #answer(): void {
    if (this.#status !== "begun" || this.#begun === null) return;
    this.#status = "answered";
    this.#respond(this.#begun);
  }

  #isStream(): boolean {
    return this.#begun?.headers.get("content-type") === "text/event-stream";
  }

  #enqueue(text: string): void {
    const { resumeBytes, pauseBytes, cancelBytes } = this.#options.limits;
    this.#controller.enqueue(Buffer.from(text));
    const waitingBytes = resumeBytes - (this.#controller.desiredSize ?? 0);
    if (waitingBytes > cancelBytes) {
      this.#options.tell("cancel");
      this.#options.disconnect();
    } else if (waitingBytes > pauseBytes && !this.#isPaused) {
      this.#isPaused = true;
      this.#options.tell("pause");
    }
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#options.tell("resume");
  }
}

/** The room's answer as a response; null if it has a type that is not relayed. */
function responseOf(
  body: ReadableStream<Uint8Array>,
  status: number,
  given: Record<string, string>,
): Response | null {
  // Proxies that buffer would turn a stream into one late response.
  const headers = new Headers({ "X-Accel-Buffering": "no", "Cache-Control": "no-store" });
  const sent = new Map(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]));
  for (const [name, value] of sent) {
    // A header's value cannot contain a line break.
    if (RELAYED_HEADERS.has(name) && /^[\t\x20-\x7e]*$/.test(value)) headers.set(name, value);
  }
  if (BODYLESS.has(status)) return new Response(null, { status, headers });
  const type = sent.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (!RELAYED_TYPES.includes(type)) return null;
  headers.set("Content-Type", type);
  return new Response(body, { status, headers });
}
