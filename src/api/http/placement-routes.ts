/** The routes that preview and make placements. */
import { z } from "zod";
import { Stage } from "../../shared/state.ts";
import { knownModel } from "./choose-model.ts";
import { HttpError, parseBody } from "./errors.ts";
import { type HttpRequest, type HttpResponse, type HttpRoom, json } from "./message.ts";

const PlacementBody = z.strictObject({
  /** A name that the room knows or can load, or a GGUF's URL. */
  model: z.string().min(1),
  stages: z.array(Stage).min(1).optional(),
});

/** `GET /api/placements/preview?model=`; without a model, the placed one or the default. */
export async function previewPlacements(
  room: HttpRoom,
  { query }: HttpRequest,
): Promise<HttpResponse> {
  const { client } = room;
  const name = query["model"] || (client.state.placement?.model.name ?? null);
  return json(await client.preview(await summaryOf(room, name)));
}

/** `POST /api/placements`: answers when every stage has loaded, or with the error. */
export async function makePlacement(
  room: HttpRoom,
  { body, signal }: HttpRequest,
): Promise<HttpResponse> {
  const { model, stages } = parseBody(PlacementBody, body);
  await room.client.place({
    model: await knownModel(room, model),
    ...(stages ? { stages } : {}),
    ...(signal ? { signal } : {}),
  });
  const { placement } = room.client.state;
  return json(placement && { ...placement, model: placement.model.name });
}

async function summaryOf({ client, offeredModels }: HttpRoom, name: string | null) {
  const known = await knownModel({ client, offeredModels }, name);
  if (typeof known !== "string") return client.addModel(known);
  const model = client.state.models.find((summary) => summary.name === known);
  if (!model) throw new HttpError(404, "model_not_found", `The room lost ${known}.`, "model");
  return model;
}
