/**
 * Finds the model that a request names, and places it if necessary: the one that
 * runs, one that the room knows, one that the server offers, or a URL.
 */
import { RoomError, modelIdOf, type ModelSource, type ModelSummary } from "../../shared/index.ts";
import type { ApiRoom, OfferedModel } from "./api-room.ts";
import { ApiProblemError } from "./errors.ts";

/**
 * Resolves with the placed model's summary. Throws `model_not_found` for an
 * unknown model, and a `RoomError` ("unavailable") if it cannot be placed, or after leaving the room.
 */
export async function ensureModel(
  room: ApiRoom,
  name: string | null,
  signal?: AbortSignal,
): Promise<ModelSummary> {
  const { client } = room;
  if (client.connection === "lost") throw new RoomError({ reason: "not_in_room" });
  const { placement, members } = client.state;
  if (placement?.error === null && (name === null || isNamed(placement.model, name))) {
    await client.loaded(placement.id, signal);
    return placedModel(room);
  }
  if (!members.some(({ adapter }) => adapter)) {
    throw new RoomError({ reason: "not_placed", refusal: { kind: "no_computing_member" } });
  }
  const model = await findModel(room, name ?? placement?.model.name ?? null);
  await client.place({ model, ...(signal ? { signal } : {}) });
  return placedModel(room);
}

/** As `findListedModel`, or the source at any URL. */
export async function findModel(room: ApiRoom, name: string | null): Promise<string | ModelSource> {
  const isKnown = room.client.state.models.some((model) => name !== null && isNamed(model, name));
  if (name !== null && isUrl(name) && !isKnown) return { kind: "url", url: name };
  return findListedModel(room, name);
}

/**
 * The id of a model that the room knows, or the source of one that the server offers;
 * throws `model_not_found`. The caller cannot make members fetch a URL of its choice.
 */
export async function findListedModel(
  { client, offeredModels }: ApiRoom,
  name: string | null,
): Promise<string | ModelSource> {
  const { models } = client.state;
  const known = name === null ? undefined : models.find((model) => isNamed(model, name));
  if (known) return known.name;
  const offered = await offeredModels();
  const offer = name === null ? offered[0] : offered.find((model) => isOffered(model, name));
  if (offer) return { kind: "url", url: offer.url };
  const [first] = models;
  if (name === null && first) return first.name;
  throw modelNotFound(name, [...models, ...offered]);
}

export function modelNotFound(
  model: string | null,
  models: readonly { readonly name: string }[],
): ApiProblemError {
  const known = [...new Set(models.map(({ name }) => name))];
  return new ApiProblemError({ reason: "model_not_found", model, known });
}

function isNamed({ name, source }: ModelSummary, wanted: string): boolean {
  return name === modelIdOf(wanted) || (source.kind === "url" && source.url === wanted);
}

function isOffered({ name, url }: OfferedModel, wanted: string): boolean {
  return isUrl(wanted) ? url === wanted : name === modelIdOf(wanted);
}

function isUrl(name: string): boolean {
  return /^https?:\/\//.test(name);
}

function placedModel({ client }: ApiRoom): ModelSummary {
  const { placement } = client.state;
  if (placement) return placement.model;
  throw new RoomError({ reason: "no_model_placed" });
}
