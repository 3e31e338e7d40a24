/** One sentence for each event of a room's log. */
import { expect, test } from "vitest";
import { nameOfRoom } from "../../src/words/index.ts";
import { describeEvent } from "../../src/words/room-event.ts";
import type { RoomEvent } from "../../src/shared/events.ts";
import {
  A,
  B,
  decision,
  device,
  GENERATION,
  link,
  next,
  placement,
  sampleState,
  settings,
  shard,
} from "../../tools/room/sample-events.ts";
import { modelSummary, profile } from "../../tools/room/test-data.ts";

const loss = { reason: "stage_member_left" as const, member: A, model: "tiny", first: 0, end: 6 };

test.each<[RoomEvent, string]>([
  [{ type: "coordinator_changed", coordinator: B }, "Tab b coordinates the room."],
  [{ type: "member_joined", member: profile("c") }, "Tab c joined."],
  [{ type: "member_left", member: B, reason: { reason: "left" } }, "Tab b left."],
  [
    { type: "member_left", member: B, reason: { reason: "did_not_rejoin" } },
    "Tab b left. It did not rejoin when the coordinator changed.",
  ],
  [{ type: "member_renamed", member: B, name: "Laptop" }, "A member is now called Laptop."],
  [
    { type: "member_corrected", member: B, costRatio: 1.5 },
    "Tab b takes 1.50 times as long as its measurements predict.",
  ],
  [{ type: "device_state_updated", member: A, device }, "Tab a reported its device state."],
  [{ type: "links_measured", links: [link] }, "1 link measured."],
  [
    { type: "links_drifted", links: [link, link].map(({ from, to }) => ({ from, to })) },
    "2 links became slower or faster, and will be measured again.",
  ],
  [
    {
      type: "links_lost",
      links: [
        { from: A, to: B },
        { from: B, to: A },
      ],
    },
    "Tab a and Tab b cannot reach each other.",
  ],
  [
    {
      type: "member_faulted",
      member: B,
      cause: { reason: "gpu_command_failed", detail: "validation" },
    },
    "Tab b can no longer compute its layers: The GPU rejected a command: validation",
  ],
  [
    { type: "handover_begun", placement },
    "tiny moves while answers continue: layers 0–5 on Tab a.",
  ],
  [
    { type: "handover_loaded", placement: placement.id, member: B },
    "Tab b has loaded its next layers.",
  ],
  [
    { type: "handover_ended", placement: placement.id, switched: true },
    "The next stages took over.",
  ],
  [
    { type: "handover_ended", placement: placement.id, switched: false },
    "The layers stay where they are.",
  ],
  [{ type: "model_added", model: modelSummary() }, "tiny was added to the room."],
  [
    { type: "placement_reviewed", decision },
    "Tab b joined. The current placement is still the best.",
  ],
  [{ type: "placement_decided", placement }, "tiny was placed: layers 0–5 on Tab a."],
  [{ type: "shard_progressed", member: A, shard }, "Tab a: layers 0–5 are loading."],
  [
    { type: "placement_failed", placement: placement.id, error: loss },
    "Tab a left while it held layers 0–5 of tiny.",
  ],
  [
    { type: "generation_ended", generation: GENERATION, outcome: "done", tokens: 1, error: null },
    "The answer was completed after 1 token.",
  ],
  [{ type: "settings_changed", settings }, "The settings changed."],
  [
    { type: "admission_changed", admits: "code" },
    "The room can be joined with its code or its link.",
  ],
  [{ type: "admission_changed", admits: "link" }, "The room can be joined only with its link."],
  [{ type: "admission_changed", admits: "nobody" }, "The room was locked."],
])("%#", (event, sentence) => {
  const state = next(sampleState(), event);
  expect(describeEvent(event, nameOfRoom(state))).toBe(sentence);
});
