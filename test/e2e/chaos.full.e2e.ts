/**
 * Faults in the middle of an answer, over three Chromium processes: the answer is the undisturbed one. The
 * remaining faults, and Firefox, are in every-fault.chaos.ts.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Answer } from "../../tools/room/chaos-answers.ts";
import { ChaosRoom } from "../../tools/room/chaos-room.ts";
import {
  type ChaosTab,
  CLOSE_FRAMES,
  CRASH_WORKER,
  DESTROY_DEVICE,
} from "../../tools/room/chaos-tab.ts";

let room: ChaosRoom;
let undisturbed: Answer;
let asker: ChaosTab, middle: ChaosTab, last: ChaosTab;

beforeAll(async () => {
  room = await ChaosRoom.open("CHAQSA", ["chromium", "chromium", "chromium"]);
  [asker, middle, last] = (await room.whole()) as [ChaosTab, ChaosTab, ChaosTab];
  await room.place([asker, middle, last]);
  undisturbed = await room.undisturbed(asker);
});

afterAll(() => room.close());

async function expectUndisturbed(act: () => unknown): Promise<void> {
  expect((await room.ask(asker, act)).answer).toEqual(undisturbed);
}

test("one frames channel is closed", async () => {
  await expectUndisturbed(() => middle.inGpuWorker(CLOSE_FRAMES));
});

test("the GPU worker of a stage crashes", async () => {
  await expectUndisturbed(() => middle.inGpuWorker(CRASH_WORKER));
});

test("the device of a stage is destroyed", async () => {
  await expectUndisturbed(() => last.inGpuWorker(DESTROY_DEVICE));
});

test("the process of the last stage is killed", async () => {
  await expectUndisturbed(() => room.kill(last));
});
