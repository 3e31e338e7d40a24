/**
 * A tab whose adapter reports itself as an NVIDIA card joins, loads and answers as
 * llama.cpp does: with its own limits, and with WebGPU's default limits.
 */
import { afterEach, describe, expect, test } from "vitest";
import { disguisedPage } from "../../tools/browsers/hardware-disguise.ts";
import { askGreedily, expectAsLlamaCpp, golden } from "../../tools/room/e2e-goldens.ts";
import { BUILT_PAGE, openRoom } from "../../tools/room/e2e-room.ts";

/** Long enough for several steps in each kind of work; decided up to here (see the golden). */
const TOKENS = 12;

let cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.reverse()) await step();
  cleanUp = [];
});

describe.each(["own", "default"] as const)("an NVIDIA card with %s limits", (limits) => {
  test("joins, loads and answers", async () => {
    const page = await disguisedPage(BUILT_PAGE, limits);
    cleanUp.push(page.remove);
    const room = await openRoom("HARDWR", ["chromium"], page.directory);
    cleanUp.push(() => room.close());
    const [member] = (await room.api.state()).members;
    expect(member!.adapter).toMatchObject({ vendor: "nvidia", software: false });
    await room.placeOver([member!.id]);
    for (const name of ["json-array", "chat-system"]) {
      const oracle = golden(name);
      expectAsLlamaCpp(oracle, await askGreedily(room.api, oracle, TOKENS));
    }
    expect(room.errors).toEqual([]);
  });
});
