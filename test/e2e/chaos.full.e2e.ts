/**
 * Faults in the middle of an answer, over three Chromium processes: the answer is the undisturbed one. The
 * remaining faults, and Firefox, are in every-fault.chaos.ts.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Answer } from "../../tools/room/chaos-answers.ts";
import { ChaosRoom } from "../../tools/room/chaos-room.ts";
import { type ChaosTab } from "../../tools/room/chaos-tab.ts";

let room: ChaosRoom;
let undisturbed: Answer;
let coordinator: ChaosTab, requester: ChaosTab, last: ChaosTab;

beforeAll(async () => {
  room = await ChaosRoom.open("CHAQSA", ["chromium", "chromium", "chromium"]);
  [coordinator, requester, last] = (await room.whole()) as [ChaosTab, ChaosTab, ChaosTab];
  await room.place([coordinator, requester, last]);
  undisturbed = await room.undisturbed(requester);
});

afterAll(() => room.close());

async function expectUndisturbed(act: () => unknown): Promise<void> {
  for (const { answer } of await room.answersDuring(requester, act))
    expect(answer).toEqual(undisturbed);
}

test("one frames channel is closed", async () => {
  await expectUndisturbed(() => requester.failInWorker("close_frames"));
});

test("the GPU worker of a stage crashes", async () => {
  await expectUndisturbed(() => last.failInWorker("crash_worker"));
});

test("the device of a stage is destroyed", async () => {
  await expectUndisturbed(() => last.failInWorker("destroy_device"));
});

test("the process of the coordinator, which holds the first stage, is killed", async () => {
  await expectUndisturbed(() => room.kill(coordinator));
});
