/** The routes that show the room: its models, state, topology and log. */
import { heterogeneityOf } from "../../shared/heterogeneity.ts";
import type { MemberId } from "../../shared/ids.ts";
import { DEFAULT_PLACEMENT_RULES } from "../../shared/placement-rules.ts";
import type { RoomState } from "../../shared/state.ts";
import { HttpError } from "./errors.ts";
import {
  eventStream,
  type HttpRequest,
  type HttpResponse,
  type HttpRoom,
  json,
} from "./message.ts";
import { logEvents } from "./log-events.ts";

/** `GET /v1/models`: what the room has and can load; `placed` is an addition of ours. */
export async function listModels({ client, offeredModels }: HttpRoom): Promise<HttpResponse> {
  const { models, placement } = client.state;
  const names = new Set([
    ...models.map(({ name }) => name),
    ...(await offeredModels()).map(({ name }) => name),
  ]);
  return json({
    object: "list",
    data: [...names].map((name) => modelEntry(name, placement)),
  });
}

/** `GET /v1/models/NAME` */
export async function oneModel(room: HttpRoom, name: string): Promise<HttpResponse> {
  const { models, placement } = room.client.state;
  const known =
    models.some((model) => model.name === name) ||
    (await room.offeredModels()).some((model) => model.name === name);
  if (!known) {
    throw new HttpError(404, "model_not_found", `The room knows no model ${name}.`, "model");
  }
  return json(modelEntry(name, placement));
}

function modelEntry(name: string, placement: RoomState["placement"]) {
  const placed = placement?.model.name === name;
  return {
    id: name,
    object: "model",
    created: 0,
    owned_by: "tabmesh",
    placed,
    ready: placed && placement.ready,
  };
}

/** `GET /api/state`; `index` is the last event's, -1 before the first. */
export function showState({ client }: HttpRoom): HttpResponse {
  const { nextIndex, ...state } = client.state;
  return json({
    ...state,
    index: nextIndex - 1,
    placement: state.placement && { ...state.placement, model: state.placement.model.name },
    model: state.placement?.model ?? null,
  });
}

/** `GET /api/topology/gpu`; a node that computes nothing has no score. */
export function showTopology({ client }: HttpRoom): HttpResponse {
  const { members, links, placement, settings } = client.state;
  const scores = client.scores();
  const stageOf = (id: MemberId) => placement?.stages.find(({ member }) => member === id);
  return json({
    nodes: members.map((member) => ({
      ...member,
      use: member.use ?? "auto",
      layers: layersOf(stageOf(member.id)),
      score: scores.find(({ member: id }) => id === member.id) ?? null,
    })),
    scoreWeights: (settings.placementRules ?? DEFAULT_PLACEMENT_RULES).scores,
    edges: links,
    ...heterogeneityOf(members),
  });
}

/** `GET /api/events?after=`: the log as server-sent events, and what comes. */
export function showEvents({ client }: HttpRoom, request: HttpRequest): HttpResponse {
  const given = request.query["after"] ?? request.headers["last-event-id"];
  const after = given === undefined ? null : Number(given);
  if (after !== null && (!Number.isSafeInteger(after) || after < -1)) {
    throw new HttpError(400, "invalid_value", `after is an event's index, not ${given}.`, "after");
  }
  return eventStream(logEvents(client, after, request.signal));
}

function layersOf(stage: { first: number; end: number } | undefined) {
  return stage ? { first: stage.first, end: stage.end } : null;
}
