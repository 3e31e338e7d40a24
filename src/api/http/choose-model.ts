/**
 * Sees to it that the model that a request names is placed and loaded: the one
 * that runs, one that the room knows, one that the server lends, or a URL.
 */
import type { ModelSource, ModelSummary } from "../../shared/model.ts";
import { RoomError } from "../../cluster/room-error.ts";
import { HttpError } from "./errors.ts";
import type { HttpRoom } from "./message.ts";

/**
 * Resolves with the placed model's summary. Rejects with 404 for a model that
 * nobody knows, and with "unavailable" when it cannot be placed.
 */
export async function ensureModel(
  room: HttpRoom,
  name: string | null,
  signal?: AbortSignal,
): Promise<ModelSummary> {
  const { client } = room;
  const { placement, members } = client.state;
  if (placement && (name === null || placement.model.name === name) && placement.error === null) {
    await client.loaded(placement.id, signal);
    return placed(room);
  }
  if (!members.some(({ adapter }) => adapter)) {
    throw new RoomError(
      "unavailable",
      "No member of the room computes. Open the room's page in a tab whose browser offers WebGPU.",
    );
  }
  const model = await knownModel(room, name ?? placement?.model.name ?? null);
  await client.place({ model, ...(signal ? { signal } : {}) });
  return placed(room);
}

/** A name that the room knows, or where the file is; rejects with 404. */
export async function knownModel(
  { client, offeredModels }: HttpRoom,
  name: string | null,
): Promise<string | ModelSource> {
  const { models } = client.state;
  if (name !== null && models.some((model) => model.name === name)) return name;
  if (name !== null && /^https?:\/\//.test(name)) return { kind: "url", url: name };
  const offered = await offeredModels();
  const match = name === null ? offered[0] : offered.find((model) => model.name === name);
  if (match) return { kind: "url", url: match.url };
  const [first] = models;
  if (name === null && first) return first.name;
  const known = [...new Set([...models, ...offered].map((model) => model.name))].join(", ");
  throw new HttpError(
    404,
    "model_not_found",
    `The room knows no model ${name ?? ""}. ${known ? `It can load ${known}.` : "Give a GGUF's URL, or put one in the server's models folder."}`,
    "model",
  );
}

function placed({ client }: HttpRoom): ModelSummary {
  const { placement } = client.state;
  if (placement) return placement.model;
  throw new RoomError("unavailable", "The placement was cleared while the request waited.");
}
