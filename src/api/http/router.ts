/**
 * The HTTP API as one function over plain data: which route, and what went wrong
 * in OpenAI's words. Never rejects.
 */
import { ChatBody, chatCompletion, TextBody, textCompletion } from "./completion-request.ts";
import { complete } from "./completions.ts";
import { errorResponse, HttpError, parseBody } from "./errors.ts";
import type { HttpRequest, HttpResponse, HttpRoom } from "./message.ts";
import { makePlacement, previewPlacements } from "./placement-routes.ts";
import { listModels, oneModel, showEvents, showState, showTopology } from "./room-routes.ts";

type Handler = (room: HttpRoom, request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

const ROUTES: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  "/v1/chat/completions": {
    POST: (room, { body, signal }) =>
      complete(room, chatCompletion(parseBody(ChatBody, body)), signal),
  },
  "/v1/completions": {
    POST: (room, { body, signal }) =>
      complete(room, textCompletion(parseBody(TextBody, body)), signal),
  },
  "/v1/models": { GET: listModels },
  "/api/state": { GET: showState },
  "/api/topology/gpu": { GET: showTopology },
  "/api/placements/preview": { GET: previewPlacements },
  "/api/placements": { POST: makePlacement },
  "/api/events": { GET: showEvents },
};

const ONE_MODEL = /^\/v1\/models\/(.+)$/;

export async function handleRequest(request: HttpRequest, room: HttpRoom): Promise<HttpResponse> {
  try {
    return await handlerOf(request)(room, request);
  } catch (error) {
    return errorResponse(error);
  }
}

function handlerOf({ method, path }: HttpRequest): Handler {
  const name = ONE_MODEL.exec(path)?.[1];
  const methods = name
    ? { GET: (room: HttpRoom) => oneModel(room, decodeURIComponent(name)) }
    : ROUTES[path];
  if (!methods) {
    throw new HttpError(
      404,
      "unknown_route",
      `There is no route ${path}. There are: ${Object.keys(ROUTES).join(", ")}.`,
    );
  }
  const handler = methods[method];
  if (handler) return handler;
  throw new HttpError(
    405,
    "method_not_allowed",
    `${path} takes ${Object.keys(methods).join(", ")}, not ${method}.`,
  );
}
