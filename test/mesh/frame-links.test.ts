/** Which end replaces a frames channel that does not work. */
import { expect, test } from "vitest";
import { MemberId } from "../../src/shared/ids.ts";
import { frameLinks } from "../../src/mesh/frame-links.ts";

const [a, b] = [MemberId.parse("a"), MemberId.parse("b")];

function links(self: MemberId, works: () => boolean) {
  const done: string[] = [];
  const parts = {
    self,
    clock: { nowMs: () => 0, after: (_ms: number, act: () => void) => (queueMicrotask(act), act) },
    connect: () => Promise.resolve(void done.push("connect")),
    renew: () => void done.push("renew"),
    ready: () => {
      done.push("ready");
      return works() ? Promise.resolve() : Promise.reject(new Error("nothing comes back"));
    },
  };
  return { link: frameLinks(parts), done };
}

test("a channel that works stays", async () => {
  const { link, done } = links(a, () => true);
  await Promise.all([link(b), link(b)]);
  expect(done).toEqual(["connect", "ready"]);
});

test("the end with the smaller id replaces it at once", async () => {
  const { link, done } = links(a, () => done.includes("renew"));
  await link(b);
  expect(done).toEqual(["connect", "ready", "renew", "ready"]);
});

test("the other end checks again first", async () => {
  let asked = 0;
  const { link, done } = links(b, () => ++asked === 2);
  await link(a);
  expect(done).toEqual(["connect", "ready", "ready"]);
});

test("and replaces it if nobody has", async () => {
  const { link, done } = links(b, () => done.includes("renew"));
  await link(a);
  expect(done).toEqual(["connect", "ready", "ready", "renew", "ready"]);
});

test("one that never works rejects, and can be tried again", async () => {
  const { link, done } = links(a, () => false);
  await expect(link(b)).rejects.toThrow("nothing comes back");
  await expect(link(b)).rejects.toThrow("nothing comes back");
  expect(done.filter((step) => step === "renew")).toHaveLength(2);
});
