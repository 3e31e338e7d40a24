/**
 * The HTTP API of one room as Fetch API routes. The bridge hands it the requests
 * that the server relays; its errors are OpenAI's.
 */
import type { Context } from "hono";
import { Hono } from "hono/tiny";
import type { MemberId } from "../../shared/index.ts";
import { nameOfRoom } from "../../words/index.ts";
import type { ApiRoom } from "./api-room.ts";
import { ChatBody, chatCompletion, TextBody, textCompletion } from "./completion-request.ts";
import { answerCompletion } from "./completions.ts";
import { ApiProblemError, errorResponse, parseBody } from "./errors.ts";
import { makePlacement, previewPlacements } from "./placement-routes.ts";
import { RetriedAnswers, seedOfKey } from "./retried-answers.ts";
import {
  listModels,
  oneModel,
  showEvents,
  showLogFile,
  showState,
  showTopology,
} from "./room-routes.ts";

export function createRoutes(room: ApiRoom): Hono {
  const app = new Hono();
  const answers = new RetriedAnswers();
  app.post("/v1/chat/completions", ({ req: { raw } }) =>
    answers.respond(raw, async (request, signal) => {
      const body = withSeed(await parseBody(ChatBody, request), request);
      return answerCompletion(room, chatCompletion(body), signal);
    }),
  );
  app.post("/v1/completions", ({ req: { raw } }) =>
    answers.respond(raw, async (request, signal) => {
      const body = withSeed(await parseBody(TextBody, request), request);
      return answerCompletion(room, textCompletion(body), signal);
    }),
  );
  app.get("/v1/models", () => listModels(room));
  app.get("/v1/models/:name{.+}", ({ req }) => oneModel(room, req.param("name")));
  app.get("/api/state", () => showState(room));
  app.get("/api/topology/gpu", () => showTopology(room));
  app.get("/api/placements/preview", ({ req }) =>
    previewPlacements(room, req.query("model") || null),
  );
  app.post("/api/placements", ({ req }) => makePlacement(room, req.raw));
  app.get("/api/events", ({ req }) => {
    if (req.header("accept") === "application/json") return showLogFile(room);
    const after = req.query("after") ?? req.header("last-event-id") ?? null;
    return showEvents(room, after, req.raw.signal);
  });
  const nameOf = (id: MemberId) => nameOfRoom(room.client.state)(id);
  app.notFound((context) => errorResponse(noRoute(app, context), nameOf));
  app.onError((error) => errorResponse(error, nameOf));
  return app;
}

/** A request that may be repeated has the same seed each time. */
function withSeed<Body extends { seed?: number | null | undefined }>(
  body: Body,
  { headers }: Request,
): Body {
  const key = headers.get("idempotency-key");
  return key === null ? body : { ...body, seed: body.seed ?? seedOfKey(key) };
}

function noRoute({ routes }: Hono, { req: { path, method } }: Context): ApiProblemError {
  const allowed = routes.filter((route) => route.path === path).map((route) => route.method);
  return allowed.length > 0
    ? new ApiProblemError({ reason: "method_not_allowed", path, method, allowed })
    : new ApiProblemError({
        reason: "unknown_route",
        path,
        routes: routes.map((route) => route.path.replace(/\{.*\}/, "")),
      });
}
