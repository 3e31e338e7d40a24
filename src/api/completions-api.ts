/** The completion routes as functions: bodies in, bodies or chunks out, errors thrown. */
import { z } from "zod";
import type { HttpRoom } from "./http/message.ts";
import { handleRequest } from "./http/router.ts";

/** An answer with an error status, as thrown. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export type Body = Readonly<Record<string, unknown>>;
export type CallOptions = { readonly signal?: AbortSignal };

/** Call it for a whole answer; `stream` gives OpenAI's chunks as they come. */
export type Completions = {
  (body: Body, options?: CallOptions): Promise<Body>;
  stream(body: Body, options?: CallOptions): AsyncGenerator<Body, void>;
};

const ErrorBody = z.looseObject({
  error: z.looseObject({ message: z.string(), code: z.string() }),
});
const AnyBody = z.record(z.string(), z.unknown());

export function completionsOf(room: HttpRoom, path: string): Completions {
  const request = async (body: Body, { signal }: CallOptions) => {
    const response = await handleRequest(
      {
        method: "POST",
        path,
        query: {},
        headers: {},
        body: JSON.stringify(body),
        ...(signal ? { signal } : {}),
      },
      room,
    );
    if (response.status >= 400 && typeof response.body === "string") {
      throwError(response.status, JSON.parse(response.body));
    }
    return response;
  };
  const whole = async (body: Body, options: CallOptions = {}): Promise<Body> => {
    const response = await request({ ...body, stream: false }, options);
    if (typeof response.body !== "string") throw new TypeError(`${path} streamed unasked`);
    return AnyBody.parse(JSON.parse(response.body));
  };
  async function* stream(body: Body, options: CallOptions = {}): AsyncGenerator<Body, void> {
    const response = await request({ ...body, stream: true }, options);
    if (typeof response.body === "string") throw new TypeError(`${path} did not stream`);
    for await (const event of response.body) {
      const data = event.slice("data: ".length).trim();
      if (data === "[DONE]") return;
      const chunk = AnyBody.parse(JSON.parse(data));
      if ("error" in chunk) throwError(500, chunk);
      yield chunk;
    }
  }
  return Object.assign(whole, { stream });
}

function throwError(status: number, raw: unknown): never {
  const { error } = ErrorBody.parse(raw);
  throw new ApiError(status, error.code, error.message);
}
