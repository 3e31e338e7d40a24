/** The test of a tab whose adapter reports itself as an NVIDIA card: it joins, loads and answers as llama.cpp does. */
import { expect, onTestFinished, test } from "vitest";
import { disguisedPage, type Limits } from "../browsers/hardware-disguise.ts";
import { askGreedily, expectAsLlamaCpp, golden } from "./e2e-goldens.ts";
import { BUILT_PAGE, openRoom } from "./e2e-room.ts";

/** Long enough for several steps in each kind of work; decided up to here (see the golden). */
const TOKENS = 12;

export function hardwareTest(limits: Limits): void {
  test(`an NVIDIA card with ${limits} limits joins, loads and answers, though a thread fails`, async () => {
    const page = await disguisedPage(BUILT_PAGE, limits, true);
    onTestFinished(page.remove);
    const room = await openRoom("HARDWR", ["chromium"], page.directory);
    onTestFinished(() => room.close());
    const [member] = (await room.api.state()).members;
    expect(member!.adapter).toMatchObject({ vendor: "nvidia", software: false });
    await room.placeOver([member!.id]);
    // On so many cores, further threads fetch and store, and others pack weights for the GPU.
    const threads = await room.tabs[0]!.evaluate<string[]>("threadsOfWorkers");
    const count = (script: string) => threads.filter((url) => url.includes(script)).length;
    expect(count("weights.worker")).toBe(6);
    expect(count("gpu.worker")).toBe(3);
    expect(count("stopped")).toBe(1);
    for (const name of ["json-array", "chat-system"]) {
      const oracle = golden(name);
      expectAsLlamaCpp(oracle, await askGreedily(room.api, oracle, TOKENS));
    }
    expect(room.errors).toEqual([]);
  });
}
