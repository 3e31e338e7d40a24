/** The routes that preview placements and make one. */
import { z } from "zod";
import { Stage } from "../../shared/index.ts";
import { nameOfMembers } from "../../words/index.ts";
import type { ApiRoom } from "./api-room.ts";
import { findListedModel, findModel, modelNotFound } from "./choose-model.ts";
import { parseBody } from "./errors.ts";
import { previewJson } from "./preview-json.ts";

export const PlacementBody = z.strictObject({
  /** The id of a model that the room knows or can load, its file name, or the URL of a GGUF file. */
  model: z.string().min(1),
  stages: z.array(Stage).min(1).optional(),
});

/**
 * `GET /api/placements/preview?model=`; the default is the placed model, or the first one.
 * Another page can send a GET, so it reaches only models that are listed.
 */
export async function previewPlacements(room: ApiRoom, name: string | null): Promise<Response> {
  const { client } = room;
  const placed = client.state.placement?.model.name ?? null;
  const preview = await client.preview(await summaryOf(room, name ?? placed));
  return Response.json(previewJson(preview, nameOfMembers(client.state.members)));
}

/** `POST /api/placements`: responds when every stage has loaded, or with the error. */
export async function makePlacement(room: ApiRoom, request: Request): Promise<Response> {
  const { model, stages } = await parseBody(PlacementBody, request);
  await room.client.place({
    model: await findModel(room, model),
    ...(stages ? { stages } : {}),
    signal: request.signal,
  });
  const { placement } = room.client.state;
  return Response.json(placement && { ...placement, model: placement.model.name });
}

async function summaryOf(room: ApiRoom, name: string | null) {
  const found = await findListedModel(room, name);
  if (typeof found !== "string") return room.client.addModel(found);
  const { models } = room.client.state;
  const summary = models.find((model) => model.name === found);
  if (!summary) throw modelNotFound(found, models);
  return summary;
}
