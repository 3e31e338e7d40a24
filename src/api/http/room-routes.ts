/** The routes that show the room: its models, state, topology, and log. */
import {
  writeRoomLog,
  differencesBetween,
  type MemberId,
  DEFAULT_PLACEMENT_RULES,
  type RoomState,
  modelIdOf,
} from "../../shared/index.ts";
import { describeDifference, nameOfMembers } from "../../words/index.ts";
import type { ApiRoom } from "./api-room.ts";
import { modelNotFound } from "./choose-model.ts";
import { ApiProblemError } from "./errors.ts";
import { eventStream } from "./event-stream.ts";
import { logEvents } from "./log-events.ts";

/** `GET /v1/models`: the models that the room has and can load. `placed` and `ready` are our additions. */
export async function listModels(room: ApiRoom): Promise<Response> {
  const { placement } = room.client.state;
  const data = (await modelNames(room)).map((name) => modelEntry(name, placement));
  return Response.json({ object: "list", data });
}

/** `GET /v1/models/NAME` */
export async function oneModel(room: ApiRoom, name: string): Promise<Response> {
  const names = await modelNames(room);
  const id = modelIdOf(name);
  if (!names.includes(id))
    throw modelNotFound(
      name,
      names.map((known) => ({ name: known })),
    );
  return Response.json(modelEntry(id, room.client.state.placement));
}

async function modelNames({ client, offeredModels }: ApiRoom): Promise<string[]> {
  const models = [...client.state.models, ...(await offeredModels())];
  return [...new Set(models.map(({ name }) => name))];
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

/** `GET /api/state`; `index` is that of the last event, or -1. */
export function showState({ client }: ApiRoom): Response {
  const { nextIndex, ...state } = client.state;
  return Response.json({
    ...state,
    index: nextIndex - 1,
    placement: state.placement && { ...state.placement, model: state.placement.model.name },
    model: state.placement?.model ?? null,
  });
}

/** `GET /api/topology/gpu`; a member that does not compute has no score. */
export function showTopology({ client }: ApiRoom): Response {
  const { members, links, placement, settings } = client.state;
  const scores = client.scores();
  const differences = differencesBetween(members);
  const nameOf = nameOfMembers(members);
  const stageOf = (id: MemberId) => placement?.stages.find(({ member }) => member === id);
  return Response.json({
    nodes: members.map((member) => ({
      ...member,
      use: member.use ?? "auto",
      layers: layersOf(stageOf(member.id)),
      score: scores.find(({ member: id }) => id === member.id) ?? null,
    })),
    scoreWeights: (settings.placementRules ?? DEFAULT_PLACEMENT_RULES).scores,
    edges: links,
    heterogeneous: differences.length > 0,
    reasons: differences.map((difference) => ({
      ...difference,
      message: describeDifference(difference, nameOf),
    })),
  });
}

/** `GET /api/events` for a client that accepts only JSON: the log as a file, as the page saves it. */
export function showLogFile({ client }: ApiRoom): Response {
  return new Response(writeRoomLog(client.log), {
    headers: { "content-type": "application/json" },
  });
}

/** `GET /api/events?after=`: the log as server-sent events, then each new event. */
export function showEvents(
  { client }: ApiRoom,
  given: string | null,
  signal: AbortSignal,
): Response {
  const after = given === null ? null : Number(given);
  if (after !== null && (!Number.isSafeInteger(after) || after < -1)) {
    throw new ApiProblemError({
      reason: "invalid_value",
      param: "after",
      detail: "expected the index of an event",
    });
  }
  return eventStream(logEvents(client, after, signal));
}

function layersOf(stage: { first: number; end: number } | undefined) {
  return stage ? { first: stage.first, end: stage.end } : null;
}
