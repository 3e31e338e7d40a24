/**
 * Faults in the middle of an answer, over three Chromium processes: the answer is the undisturbed one. The
 * remaining faults, and Firefox, are in every-fault.chaos.ts.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Answer,
  ChaosRoom,
  type ChaosTab,
  CLOSE_FRAMES,
  CRASH_WORKER,
  DESTROY_DEVICE,
} from "../../tools/room/chaos-room.ts";

let room: ChaosRoom;
let undisturbed: Answer;
let asker: ChaosTab, middle: ChaosTab, last: ChaosTab;

beforeAll(async () => {
  room = await ChaosRoom.open("CHAQSA", "chromium");
  [asker, middle, last] = room.tabs as [ChaosTab, ChaosTab, ChaosTab];
  await room.place(asker, middle, last);
  undisturbed = await room.ask(asker);
  expect(undisturbed).toMatchObject({ status: "token_limit" });
});

afterAll(() => room.close());

test("one frames channel is closed", async () => {
  expect(await room.ask(asker, () => middle.inGpuWorker(CLOSE_FRAMES))).toEqual(undisturbed);
});

test("the GPU worker of a stage crashes", async () => {
  expect(await room.ask(asker, () => middle.inGpuWorker(CRASH_WORKER))).toEqual(undisturbed);
});

test("the device of a stage is destroyed", async () => {
  expect(await room.ask(asker, () => last.inGpuWorker(DESTROY_DEVICE))).toEqual(undisturbed);
});

test("the process of the last stage is killed", async () => {
  expect(await room.ask(asker, () => room.kill(last))).toEqual(undisturbed);
});
