/** What an answer that lost its stages says while it recovers. */
import { expect, test } from "vitest";
import { MemberId } from "../../src/shared/ids.ts";
import type { RecoveryProgress } from "../../src/shared/room-notice.ts";
import type { RoomFailure } from "../../src/shared/room-failure.ts";
import { describeRecovery } from "../../src/words/index.ts";

const ada = MemberId.parse("a");
const nameOf = (id: MemberId) => (id === ada ? "Ada" : id);
const layers = { member: ada, model: "tiny", first: 0, end: 6 };
const left = { reason: "stage_member_left", ...layers } as const;
const cause = { reason: "channel_closed" } as const;
const refused = (refusal: object) => ({
  reason: "not_placed_again" as const,
  loss: left,
  cause: { reason: "not_placed" as const, refusal: refusal as never },
});

test.each<[RoomFailure, string]>([
  [left, "Ada left."],
  [{ reason: "stage_gpu_lost", ...layers, noAdapter: null }, "Ada lost its GPU."],
  [{ reason: "stage_load_failed", ...layers, cause: null }, "Ada could not load its layers."],
  [{ reason: "stage_lost", member: ada, cause }, "The connection to Ada was lost."],
  [{ reason: "placement_replaced" }, "Layers are moving to other members."],
  [{ reason: "generation_forgotten" }, "The answer was interrupted."],
  [refused({ kind: "no_computing_member" }), "Ada left."],
])("what was lost: %j", (lost, sentence) => {
  const recovering = "Recovering: choosing members for the layers.";
  expect(describeRecovery(lost, { kind: "placing" }, nameOf)).toBe(`${sentence} ${recovering}`);
});

test.each<[RecoveryProgress, string]>([
  [{ kind: "reconnecting" }, "Recovering: looking for the other members."],
  [{ kind: "loading", loadedBytes: 40, totalBytes: 100 }, "Recovering: loading layers, 40%."],
  [{ kind: "loading", loadedBytes: 0, totalBytes: 0 }, "Recovering: loading layers."],
  [{ kind: "queued" }, "Recovering: waiting for other answers."],
  [{ kind: "recomputing" }, "Recovering: recomputing the lost layers."],
  [
    { kind: "waiting_for_member", failure: left, missingBytes: 2.1e9 },
    "The room needs 2.10 GB more memory for the model. The answer continues when the model fits again, for example after another machine joins.",
  ],
  [
    {
      kind: "waiting_for_member",
      failure: refused({ kind: "no_computing_member" }),
      missingBytes: null,
    },
    "No member of the room can compute. Open the room's page in a tab whose browser supports WebGPU. The answer continues when the model fits again, for example after another machine joins.",
  ],
  [
    { kind: "waiting_for_member", failure: left, missingBytes: null },
    "The model cannot be placed. The answer continues when the model fits again, for example after another machine joins.",
  ],
])("how far it is: %j", (progress, sentence) => {
  expect(describeRecovery(left, progress, nameOf)).toBe(`Ada left. ${sentence}`);
});
