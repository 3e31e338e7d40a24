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
  app.post("/v1/chat/completions", async ({ req: { raw } }) =>
    answerCompletion(room, chatCompletion(await parseBody(ChatBody, raw)), raw.signal),
  );
  app.post("/v1/completions", async ({ req: { raw } }) =>
    answerCompletion(room, textCompletion(await parseBody(TextBody, raw)), raw.signal),
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

function noRoute({ routes }: Hono, { req: { path, method } }: Context): ApiProblemError {
  const allowed = routes.filter((route) => route.path === path).map((route) => route.method);
  return allowed.length > 0
    ? new ApiProblemError({ reason: "method_not_allowed", path, method, allowed })
    : new ApiProblemError({
        reason: "unknown_route",
        path,
        routes: routes.map((route) => route.path),
      });
}
