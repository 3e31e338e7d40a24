/** The decoders of the room's own messages, events, and states. */
import { ClusterMessage, RoomCommand } from "../../../src/cluster/membership/messages.ts";
import { parseJson } from "../../../src/shared/parse.ts";
import {
  apply,
  IndexedEvent,
  PageToServer,
  parseUntrusted,
  readRoomLog,
  RoomError,
  RoomState,
  ServerToPage,
  writeRoomLog,
} from "../../../src/shared/index.ts";
import type { Random } from "../../../tools/placement/random.ts";
import {
  A,
  B,
  decision,
  device,
  link,
  placement,
  sampleState,
  settings,
  shard,
} from "../../../tools/room/sample-events.ts";
import { profile } from "../../../tools/room/test-data.ts";
import type { FuzzTarget } from "../../../tools/fuzz/fuzz.ts";
import { mutatedText } from "../../../tools/fuzz/mutate.ts";
import { jsonOf } from "../../../tools/fuzz/values.ts";
import type * as z from "zod";

const STATE = sampleState();
const [KEY, SIGNATURE] = ["A".repeat(43), "A".repeat(86)];
const KEY_TEXT = JSON.stringify({
  secret: KEY,
  succession: [{ publicKey: KEY, signature: SIGNATURE }],
});
const STATE_TEXT = JSON.stringify(STATE);
const { epoch, nextIndex: index } = STATE;

const EVENTS = [
  { type: "member_joined", member: profile("c") },
  { type: "member_left", member: B, reason: { reason: "left" } },
  { type: "device_state_updated", member: A, device },
  { type: "links_measured", links: [link] },
  { type: "links_drifted", links: [{ from: A, to: B }] },
  { type: "links_lost", links: [{ from: A, to: B }] },
  { type: "member_faulted", member: A, cause: { reason: "gpu_lost", detail: "reset" } },
  { type: "placement_reviewed", decision },
  { type: "placement_decided", placement },
  { type: "shard_progressed", member: A, shard },
  { type: "settings_changed", settings },
  { type: "admission_changed", admits: "link" },
].map((event) => JSON.stringify({ epoch, index, event }));

const EVENT_VALUES = EVENTS.map((text) => IndexedEvent.parse(JSON.parse(text)));

const COMMANDS = [
  { type: "rename", name: "Kitchen laptop" },
  { type: "report_device_state", device },
  { type: "report_links", links: [link] },
  { type: "report_shard", shard },
  { type: "report_laps", placement: placement.id, computeMs: [[1, 2]] },
  { type: "report_trouble", trouble: { kind: "link_restored", peer: B } },
  { type: "change_settings", settings },
  { type: "add_model", model: placement.model },
  { type: "place_stages", model: "tiny", stages: placement.stages },
  { type: "request_generation", key: "k", continues: false, promptTokens: 3, maxTokens: 4 },
].map((command) => JSON.stringify(command));

const MESSAGES = [
  JSON.stringify({ type: "join", room: "ABCDEF", member: profile("c") }),
  `{"type":"welcome","key":${KEY_TEXT},"state":${STATE_TEXT}}`,
  `{"type":"key_changed","key":${KEY_TEXT}}`,
  ...EVENTS.map((event) => `{"type":"events","events":[${event}]}`),
  ...COMMANDS.map((command) => `{"type":"command","id":1,"command":${command}}`),
];

/** Texts of `samples` that were edited, and texts made from the schema. */
function textsOf(schema: z.core.$ZodType, samples: readonly string[]) {
  return (random: Random) =>
    random.whole(0, 3) === 0 ? jsonOf(schema, random) : mutatedText(samples, random);
}

const never = () => false;

export const messages: FuzzTarget<string> = {
  name: "messages",
  generate: textsOf(ClusterMessage, MESSAGES),
  decode: (text) => parseUntrusted(ClusterMessage, parseJson(text)),
  isRefusal: never,
};

export const commands: FuzzTarget<string> = {
  name: "commands",
  generate: textsOf(RoomCommand, COMMANDS),
  decode: (text) => parseUntrusted(RoomCommand, parseJson(text)),
  isRefusal: never,
};

/** An event that parses can be applied to a state, and the result is a state again. */
export const events: FuzzTarget<string> = {
  name: "events",
  generate: textsOf(IndexedEvent, EVENTS),
  decode(text) {
    const parsed = parseUntrusted(IndexedEvent, parseJson(text));
    if (!parsed.success) return;
    const next = apply(STATE, { ...parsed.data, index, epoch: epochOf(parsed.data) });
    const again = RoomState.safeParse(JSON.parse(JSON.stringify(next)));
    if (!again.success) throw again.error;
  },
  isRefusal: never,
};

function epochOf({ event }: IndexedEvent): number {
  return event.type === "coordinator_changed" ? epoch + 1 : epoch;
}

/** What a newcomer receives: a state, to which it applies the next event. */
export const states: FuzzTarget<string> = {
  name: "states",
  generate: textsOf(RoomState, [STATE_TEXT]),
  decode(text) {
    const state = parseUntrusted(RoomState, parseJson(text)).data;
    if (state === undefined || state.nextIndex >= Number.MAX_SAFE_INTEGER) return;
    apply(state, {
      epoch: state.epoch,
      index: state.nextIndex,
      event: { type: "member_left", member: A, reason: { reason: "left" } },
    });
  },
  isRefusal: never,
};

export const serverToPage: FuzzTarget<string> = {
  name: "bridge-requests",
  generate: (random) => {
    const sample = jsonOf(ServerToPage, random, { hostility: 0 });
    return random.whole(0, 1) === 0 ? jsonOf(ServerToPage, random) : mutatedText([sample], random);
  },
  decode: (text) => parseUntrusted(ServerToPage, parseJson(text)),
  isRefusal: never,
};

export const pageToServer: FuzzTarget<string> = {
  name: "bridge-answers",
  generate: (random) => {
    const sample = jsonOf(PageToServer, random, { hostility: 0 });
    return random.whole(0, 1) === 0 ? jsonOf(PageToServer, random) : mutatedText([sample], random);
  },
  decode: (text) => parseUntrusted(PageToServer, parseJson(text)),
  isRefusal: never,
};

export const logs: FuzzTarget<string> = {
  name: "logs",
  generate: (random) => {
    const events = Array.from(
      { length: random.whole(0, 3) },
      () => EVENT_VALUES[random.whole(0, EVENT_VALUES.length - 1)]!,
    );
    return mutatedText([writeRoomLog({ base: STATE, events })], random);
  },
  decode: (text) => readRoomLog(text),
  isRefusal: (error) => error instanceof RoomError,
};
