/** A small state, and one event of each type with what it changes. */
import {
  apply,
  emptyRoom,
  type RoomEvent,
  GenerationId,
  MemberId,
  PlacementId,
  RoomCode,
  type Decision,
  DEFAULT_SETTINGS,
  type Placement,
  type RoomState,
} from "../../src/shared/index.ts";
import { deviceState, modelSummary, profile } from "./test-data.ts";

export const A = MemberId.parse("a");
export const B = MemberId.parse("b");
export const GENERATION = GenerationId.parse(5);

export const placement: Placement = {
  id: PlacementId.parse(9),
  model: modelSummary(),
  stages: [{ member: A, first: 0, end: 6 }],
  contextTokens: 128,
  generationSlots: 1,
  activations: "float",
  predictedMs: 2,
  ready: false,
  error: null,
};

/** A room with members a and b, a model, a placement on a, and a generation of b's. */
export function sampleState(): RoomState {
  return [
    { type: "member_joined", member: profile("a") },
    { type: "member_joined", member: profile("b") },
    { type: "model_added", model: modelSummary() },
    { type: "placement_decided", placement },
    {
      type: "generation_queued",
      generation: {
        id: GENERATION,
        requester: B,
        key: "k",
        continues: false,
        placement: placement.id,
        status: "queued",
        promptTokens: 3,
        maxTokens: 4,
      },
    },
  ].reduce(
    (state, event) => next(state, event as RoomEvent),
    emptyRoom(RoomCode.parse("ABCDEF"), A),
  );
}

export function next(state: RoomState, event: RoomEvent): RoomState {
  const opens = event.type === "coordinator_changed" ? 1 : 0;
  return apply(state, { epoch: state.epoch + opens, index: state.nextIndex, event });
}

export const link = {
  from: A,
  to: B,
  roundTripMs: 2,
  bytesPerMs: 100,
  payloadBytes: 96,
  measuredAtMs: 0,
};

export const shard = {
  placement: placement.id,
  first: 0,
  end: 6,
  status: "loading" as const,
  phase: "downloading" as const,
  loadedBytes: 1,
  totalBytes: 2,
  error: null,
  kernels: null,
};

export const decision: Decision = {
  outcome: "stays",
  model: "tiny",
  trigger: {
    kind: "changes",
    changes: [{ kind: "member", member: B, change: "joined", brokenRules: [] }],
  },
  reason: { kind: "cost", move: { kind: "already_best" } },
  currentMs: 2,
  proposedMs: 2,
  gainMs: 0,
  bytesToLoad: 0,
  includesPenalties: false,
  isTokenTime: true,
  waitingAnswers: 0,
};

export const device = deviceState({ busyFraction: 0.25 });
export const settings = { ...DEFAULT_SETTINGS, generationSlots: 7 };
