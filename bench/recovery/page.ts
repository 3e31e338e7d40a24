/** A member of a room that observes, asks, and writes down when it learned what; a bench page. */
import { joinRoom, type PageRoom } from "../../src/api/index.ts";
import { EventLog } from "../../src/cluster/index.ts";
import { type DeviceState, errorMessage, GREEDY, MemberId } from "../../src/shared/index.ts";
import type { AnswerReply, Change, RoomRequest } from "./requests.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

let room: PageRoom | null = null;
let answer: Writable<AnswerReply> | null = null;
let stopping = new AbortController();
let changes: Change[] = [];
/** Holds on to a filled log, so that its memory can be measured. */
let filled: EventLog | null = null;

async function bench(request: RoomRequest): Promise<unknown> {
  if (request.kind === "join") return join(request);
  if (room === null) throw new Error("join first");
  switch (request.kind) {
    case "ask":
      void ask(room, request);
      return null;
    case "answer":
      return answer;
    case "stop":
      stopping.abort();
      return null;
    case "changes": {
      const seen = changes;
      changes = [];
      return seen;
    }
    case "interval": {
      const { telemetryIntervalMs } = request;
      const settings = { ...room.client.state.settings, telemetryIntervalMs };
      return room.client.dispatch({ type: "change_settings", settings });
    }
    case "fill_log":
      return fillLog(room, request.members);
  }
}

async function join({ server, code }: Extract<RoomRequest, { kind: "join" }>): Promise<MemberId> {
  room = await joinRoom({ server, code, observe: true, name: "Bench" });
  room.client.subscribe(({ event }) => {
    const happened = event?.event;
    changes.push({
      atMs: Date.now(),
      type: happened?.type ?? "snapshot_or_connection",
      member: happened?.type === "member_left" ? happened.member : null,
      collectedAtMs: happened?.type === "device_state_updated" ? happened.device.updatedAtMs : null,
    });
  });
  return room.client.self;
}

async function ask(
  { client }: PageRoom,
  { tokens, maxTokens }: Extract<RoomRequest, { kind: "ask" }>,
): Promise<void> {
  const reply: Writable<AnswerReply> = {
    askedAtMs: Date.now(),
    startedAtMs: null,
    tokens: [],
    atMs: [],
    interruptedAtMs: [],
    finished: false,
    error: null,
  };
  answer = reply;
  stopping = new AbortController();
  const input = { kind: "tokens", tokens } as const;
  const request = { input, sampling: GREEDY, maxTokens, stop: [], signal: stopping.signal };
  try {
    for await (const event of client.ask(request)) {
      if (event.kind === "started") reply.startedAtMs = Date.now();
      if (event.kind === "interrupted") reply.interruptedAtMs.push(Date.now());
      if (event.kind !== "token") continue;
      reply.tokens.push(event.token);
      reply.atMs.push(Date.now());
    }
  } catch (error) {
    reply.error = errorMessage(error);
  }
  reply.finished = true;
}

/** A log keeps a limited number of events; these are more. */
const MORE_THAN_KEPT = 8000;

/** Resolves with the number of events that the log keeps. */
function fillLog({ client }: PageRoom, members: number): number {
  const device = client.state.members.find((member) => member.device !== null)?.device;
  if (!device) throw new Error("no member has reported its device");
  filled = new EventLog(client.state);
  // As they come from the network: no two events share an object.
  const copy = (): DeviceState => JSON.parse(JSON.stringify(device)) as DeviceState;
  for (let index = 0; index < MORE_THAN_KEPT; index += 1) {
    const member = MemberId.parse(`member-${index % members}`);
    filled.append({ type: "device_state_updated", member, device: copy() });
  }
  return filled.events.length;
}

Object.assign(globalThis, { tabmeshBench: bench });
