/** All that is served over HTTP: the built page, models, signaling and the rooms' API. */
import express, { type ErrorRequestHandler, type Express } from "express";
import type { ServerFacts } from "../src/shared/index.ts";
import type { Bridge } from "./bridge.ts";
import { httpApi } from "./http-api.ts";
import { ISOLATION_HEADERS } from "./isolation-headers.ts";
import { modelFiles } from "./models.ts";

export type AppDirectories = {
  /** The built page. */
  readonly page: string;
  /** GGUF files to lend. */
  readonly models: string;
};

/** Built files carry a hash of their content in their names. */
const HASHED_FILE_MAX_AGE = "365d";

/** `facts` is asked at each request: the port is known once the server listens. */
export function createApp(
  bridge: Bridge,
  { page, models }: AppDirectories,
  facts: () => ServerFacts,
): Express {
  const app = express();
  app.disable("x-powered-by");
  app.use((_request, response, next) => {
    response.set({ ...ISOLATION_HEADERS, "Cross-Origin-Resource-Policy": "same-origin" });
    next();
  });
  app.use(httpApi(bridge));
  app.use("/models", modelFiles(models));
  app.get("/server.json", (_request, response) => {
    response.set({
      "Cache-Control": "no-cache",
      "Access-Control-Allow-Origin": "*",
      "Cross-Origin-Resource-Policy": "cross-origin",
    });
    response.json(facts());
  });
  app.use(
    "/assets",
    express.static(`${page}/assets`, { immutable: true, maxAge: HASHED_FILE_MAX_AGE }),
  );
  app.use(express.static(page));
  return app;
}

/** What Express's file server adds to its errors: 416 with the length, 403, 400. */
type HttpError = Error & { readonly status?: number; readonly headers?: Record<string, string> };

/** Mounted last, after signaling. */
export const answerError: ErrorRequestHandler = (error: HttpError, request, response, next) => {
  if (response.headersSent) return next(error);
  if (error.status !== undefined && error.status < 500) {
    response
      .set(error.headers ?? {})
      .status(error.status)
      .type("text")
      .send(`${error.message}\n`);
    return;
  }
  console.error(`${request.method} ${request.path}: ${error.stack ?? error.message}`);
  response.status(500).type("text").send("The server failed; its terminal says why.\n");
};
