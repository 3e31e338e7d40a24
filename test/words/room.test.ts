/** The sentences of failures, notices, and decisions of a room. */
import { describe, expect, test } from "vitest";
import type { DecisionReason, DecisionTrigger } from "../../src/shared/decision.ts";
import { MemberId, RoomCode } from "../../src/shared/ids.ts";
import type { RoomFailure } from "../../src/shared/room-failure.ts";
import type { RoomNotice } from "../../src/shared/room-notice.ts";
import {
  describeDecision,
  describeNotice,
  describeRoomFailure,
  describeTrigger,
} from "../../src/words/index.ts";
import { decision } from "../../tools/room/sample-events.ts";

const a = MemberId.parse("a");
const b = MemberId.parse("b");
const nameOf = (id: MemberId) => ({ a: "Ada", b: "Bob" })[id as string] ?? id;
const room = RoomCode.parse("ABCDEF");
const layers = { member: a, model: "tiny", first: 0, end: 6 };
const loss = { reason: "stage_member_left" as const, ...layers };
const noAdapter = { reason: "device_lost" as const, detail: "driver reset" };
const cause = { reason: "channel_closed" as const };
const refusal = { kind: "no_computing_member" as const };
const short = {
  kind: "infeasible" as const,
  model: "tiny",
  binds: "memory" as const,
  shortBytes: 2800,
  remedies: [{ kind: "shrink_weights" as const, byFraction: 0.2 }],
  brokenRules: [],
};

test.each<[RoomFailure, string]>([
  [loss, "Ada left while it held layers 0–5 of tiny."],
  [
    { reason: "stage_gpu_lost", ...layers, noAdapter },
    "Ada lost its GPU (driver reset) while it held layers 0–5 of tiny.",
  ],
  [
    { reason: "stage_load_failed", ...layers, end: 1, cause },
    "Ada could not load layer 0 of tiny: The channel was closed.",
  ],
  [
    { reason: "stage_shard_failed", ...layers, cause: { reason: "stage_silent", member: a } },
    "Ada can no longer compute layers 0–5 of tiny: The tab of Ada answers, but its stage does not.",
  ],
  [
    { reason: "stage_link_lost", ...layers, to: b },
    "Ada, which holds layers 0–5 of tiny, can no longer reach Bob.",
  ],
  [
    { reason: "not_placed_again", loss, cause: { reason: "not_placed", refusal } },
    "Ada left while it held layers 0–5 of tiny. The model cannot be placed again: No member of the room can compute. Open the room's page in a tab whose browser supports WebGPU.",
  ],
  [
    { reason: "invalid_join_message", peer: b },
    "The tab b sent a message that this one cannot read.",
  ],
  [
    { reason: "wrong_room", room, requested: "ZZZZZZ" },
    "This is room ABCDEF, not ZZZZZZ. Check the code.",
  ],
  [{ reason: "not_coordinator", member: a }, "Ada does not coordinate the room."],
  [{ reason: "other_sender", member: a, peer: b }, "The tab b introduced itself as a."],
  [
    {
      ...{ reason: "stages_invalid", model: "tiny" },
      violation: { kind: "wrong_layer_count", end: 7, layers: 6 },
    },
    "Invalid stages for tiny: The stages end at layer 7, but the model has 6 layers.",
  ],
  [
    { reason: "member_cannot_compute", member: a, noAdapter: null },
    "Ada cannot compute. It has not been measured yet.",
  ],
  [
    { reason: "stage_exceeds_memory", ...layers, neededBytes: 6500, availableBytes: 3700 },
    "Ada has 3,700 bytes for layers 0–5 of tiny, but needs 6,500 bytes: 2,800 bytes short. Assign fewer layers to it, or reduce the room's context or generation slots.",
  ],
  [
    { reason: "unknown_model", model: "huge", known: ["tiny"] },
    "The room does not know the model huge. It knows tiny.",
  ],
  [{ reason: "model_unreadable", cause }, "The channel was closed."],
  [
    { reason: "prompt_not_tokenized", cause },
    "The prompt cannot be tokenized: The channel was closed.",
  ],
  [
    { reason: "prompt_missing", requester: a },
    "The prompt of Ada did not arrive at the first stage in time. Ask again.",
  ],
  [
    { reason: "too_many_generations", member: a, maxGenerations: 64 },
    "Ada is already waiting for 64 answers, which is the limit. Ask again when one of them has ended.",
  ],
  [
    { reason: "model_changed", model: "tiny", placed: "other" },
    "The room now runs other instead of tiny. Ask again.",
  ],
  [
    { reason: "observers_only_ask" },
    "This tab only observes: it can chat, but cannot place models or change the room. To change the room, join again without observing.",
  ],
  [
    { reason: "opener_only", openedBy: a },
    "Only the member that opened the room may do this: Ada.",
  ],
  [{ reason: "opener_only", openedBy: null }, "Only the member that opened the room may do this."],
  [{ reason: "not_requester", requester: b }, "Only Bob, which asked for this answer, can end it."],
  [
    { reason: "model_name_taken", model: "tiny" },
    "The room already has another file named tiny. Place that one, or add this one under another name.",
  ],
  [{ reason: "removed_from_room" }, "This tab was removed from the room."],
  [{ reason: "command_invalid", field: "name" }, "The value of name is not valid."],
  [{ reason: "command_invalid", field: "" }, "The value of the command is not valid."],
  [
    { reason: "event_invalid", event: "member_renamed", field: "name" },
    "The room cannot record member_renamed: the value of name is not valid.",
  ],
  [{ reason: "room_not_reached", room, cause: null }, "Room ABCDEF cannot be reached."],
  [{ reason: "channel_closed" }, "The channel was closed."],
])("%o", (failure, sentence) => {
  expect(describeRoomFailure(failure, nameOf)).toBe(sentence);
});

describe("notices", () => {
  test.each<[RoomNotice, string, string, string | null]>([
    [{ kind: "removed", by: a }, "error", "Ada removed this tab from the room.", null],
    [
      { kind: "member_left", member: b, reason: { reason: "removed", by: a }, heldLayers: false },
      "info",
      "Bob left the room. Ada removed it.",
      null,
    ],
    [{ kind: "connected", room }, "info", "Connected to room ABCDEF.", null],
    [
      {
        kind: "newcomer_refused",
        refusal: { reason: "version_mismatch", ours: 4, theirs: 5 },
      },
      "warning",
      "A tab could not join: it uses version 5 of the protocol, and this room version 4.",
      "Reload the tabs of this room.",
    ],
    [
      {
        kind: "newcomer_refused",
        refusal: { reason: "version_mismatch", ours: 5, theirs: 4 },
      },
      "warning",
      "A tab could not join: it uses version 4 of the protocol, and this room version 5.",
      "Reload that tab.",
    ],
    [
      { kind: "newcomer_refused", refusal: { reason: "too_many_guesses", waitMs: 9000 } },
      "warning",
      "Someone is trying to join this room with wrong codes.",
      "To stop this, open the invitation and let people join only with the link.",
    ],
    [
      { kind: "newcomer_refused", refusal: { reason: "invalid_join_message", peer: b } },
      "warning",
      "A tab could not join.",
      "The tab b sent a message that this one cannot read.",
    ],
    [
      { kind: "wrong_room_link" },
      "error",
      "This link to a room is incomplete.",
      "Copy the whole link again, or type the room's code.",
    ],
    [
      { kind: "handing_over" },
      "info",
      "This tab leaves the room when other members have loaded its layers. To leave at once, click Leave again.",
      null,
    ],
    [
      { kind: "reconnecting" },
      "warning",
      "The connection to the coordinator is lost. The room is choosing another one.",
      "Keep this tab open: it keeps trying to rejoin.",
    ],
    [
      { kind: "warning", warning: { kind: "signaling_lost" } },
      "warning",
      "The server cannot be reached. The room continues, but other tabs cannot join it now.",
      null,
    ],
    [
      { kind: "warning", warning: { kind: "signaling_restored" } },
      "info",
      "The server can be reached again.",
      null,
    ],
    [
      { kind: "disconnected", room },
      "error",
      "The connection to room ABCDEF is lost.",
      "Check the network and join again.",
    ],
    [
      { kind: "coordinator_changed", member: b, isSelf: false },
      "info",
      "The coordinator left; Bob coordinates the room now.",
      null,
    ],
    [
      { kind: "member_left", member: a, reason: { reason: "left" }, heldLayers: true },
      "warning",
      "Ada left the room.",
      "Ada held layers of the model. Other members take over.",
    ],
    [
      {
        kind: "member_left",
        member: a,
        reason: { reason: "coordinator_replaced", coordinator: b },
        heldLayers: false,
      },
      "info",
      "Ada left the room. Bob coordinates the room now.",
      null,
    ],
    [
      { kind: "placement_failed", failure: { reason: "stage_load_failed", ...layers, cause } },
      "error",
      "Ada could not load layers 0–5 of tiny: The channel was closed.",
      "Place the model again, or set that member to “Never use”.",
    ],
    [
      { kind: "device_error", cause: { reason: "unexpected", detail: "Lost." } },
      "error",
      "The GPU reported an error: Lost.",
      "This tab loads its layers again.",
    ],
    [
      { kind: "failed", failure: { reason: "not_placed", refusal: short } },
      "error",
      "tiny does not fit this room: 2,800 bytes short of memory.",
      "What would help: a file with 20% fewer bytes of weights.",
    ],
  ])("%o", (notice, level, message, whatToDo) => {
    expect(describeNotice(notice, nameOf)).toEqual({ level, message, whatToDo });
  });
});

describe("decisions", () => {
  const broken = {
    member: a,
    constraint: "visibility" as const,
    hard: true,
    breach: { kind: "hidden_tab" as const },
  };

  test.each<[DecisionTrigger, string]>([
    [{ kind: "person" }, "A person placed the model."],
    [{ kind: "loss", failure: loss }, "Ada left while it held layers 0–5 of tiny."],
    [
      {
        kind: "changes",
        changes: [
          { kind: "settings" },
          { kind: "member", member: a, change: "violates_rule", brokenRules: [broken] },
        ],
      },
      "The settings changed, Ada violates a constraint (Ada is a hidden tab).",
    ],
    [
      {
        kind: "changes",
        changes: [{ kind: "member", member: b, change: "no_longer_violates", brokenRules: [] }],
      },
      "Bob no longer violates any constraint.",
    ],
    [
      {
        kind: "changes",
        changes: [{ kind: "member", member: b, change: "proved_speed", brokenRules: [] }],
      },
      "Bob has confirmed its claimed speed.",
    ],
  ])("%o", (trigger, sentence) => {
    expect(describeTrigger(trigger, nameOf)).toBe(sentence);
  });

  test.each<[DecisionReason, string]>([
    [{ kind: "manual" }, "The stages were chosen by hand."],
    [
      { kind: "repaired" },
      "The other members keep their layers, so that answers in progress continue sooner.",
    ],
    [
      { kind: "rules_violated", brokenRules: [broken] },
      "The layers must move: Ada is a hidden tab.",
    ],
    [
      { kind: "settings_changed" },
      "The model loads again, because the settings that its layers were loaded with changed.",
    ],
    [{ kind: "manual_kept" }, "The layers stay: their stages were chosen by hand."],
    [{ kind: "cooldown" }, "The layers stay for now: they moved a moment ago."],
  ])("%o", (reason, sentence) => {
    expect(describeDecision({ ...decision, reason }, nameOf)).toBe(sentence);
  });

  test("times of another objective, penalties, and waiting answers are mentioned", () => {
    const noted = {
      ...decision,
      reason: { kind: "cooldown" as const },
      gainMs: 1,
      currentMs: 9,
      isTokenTime: false,
      includesPenalties: true,
      waitingAnswers: 2,
    };
    expect(describeDecision(noted, nameOf)).toBe(
      "The layers stay for now: they moved a moment ago. The solver's placement would save 1.00 ms of 9.00 ms per token. " +
        "These times measure the room's objective, not the time of one token. These times include penalties for violated soft constraints. " +
        "The 2 answers in progress continue once the model has loaded.",
    );
  });
});
