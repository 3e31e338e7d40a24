/** The wake lock: held while an answer runs and the tab is visible, and released afterwards. */
import { expect, test } from "vitest";
import { keepAwake, type AnsweringRoom } from "../../src/tab/wake-lock.ts";

function open(request?: () => Promise<{ release(): Promise<void>; released: boolean }>) {
  const locks: { released: boolean; release(): Promise<void> }[] = [];
  const give = () => {
    const lock = {
      released: false,
      release: () => Promise.resolve(void (lock.released = true)),
    };
    locks.push(lock);
    return Promise.resolve(lock);
  };
  const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  let listener = () => undefined as void;
  const generations: unknown[] = [];
  const room = {
    state: { generations },
    subscribe: (act: () => void) => {
      listener = act;
      return () => (listener = () => undefined);
    },
  } as unknown as AnsweringRoom;
  const settled = () => new Promise((resolve) => setTimeout(resolve));
  const runs = async (count: number) => {
    generations.length = 0;
    for (let id = 0; id < count; id++) generations.push({ id, status: "running" });
    listener();
    await settled();
  };
  const shows = async (visibilityState: "visible" | "hidden") => {
    page.visibilityState = visibilityState;
    if (visibilityState === "hidden") for (const lock of locks) lock.released = true;
    page.dispatchEvent(new Event("visibilitychange"));
    await settled();
  };
  const end = keepAwake(room, {
    navigator: { wakeLock: { request: request ?? give } },
    document: page as unknown as Document,
  });
  const held = () => locks.filter(({ released }) => !released).length;
  return { locks, held, runs, shows, end, settled };
}

test("held once while answers run, and released with the last", async () => {
  const { locks, held, runs } = open();
  await runs(0);
  expect(locks).toHaveLength(0);
  await runs(1);
  await runs(2);
  expect([locks.length, held()]).toEqual([1, 1]);
  await runs(0);
  expect(held()).toBe(0);
});

test("a lock that the browser released is requested again when the tab is shown", async () => {
  const { locks, held, runs, shows } = open();
  await runs(1);
  await shows("hidden");
  await runs(1);
  expect([locks.length, held()]).toEqual([1, 0]);
  await shows("visible");
  expect([locks.length, held()]).toEqual([2, 1]);
});

test("a browser that refuses changes nothing, and the end releases it", async () => {
  const refused = open(() => Promise.reject(new Error("battery saver")));
  await refused.runs(1);
  const { held, runs, end, settled } = open();
  await runs(1);
  end();
  await settled();
  expect(held()).toBe(0);
});
