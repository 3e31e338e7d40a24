/** Whose prompts stage 0 misses, and for how long it waits for them. */
import { expect, test } from "vitest";
import { GenerationId } from "../../src/shared/ids.ts";
import { MissingPrompts, PROMPT_MS } from "../../src/stage/missing-prompts.ts";

const [one, two] = [GenerationId.parse(1), GenerationId.parse(2)];

function missing() {
  const timers = new Set<() => void>();
  const missed: GenerationId[] = [];
  const after = (delayMs: number, act: () => void) => {
    expect(delayMs).toBe(PROMPT_MS);
    timers.add(act);
    return () => void timers.delete(act);
  };
  const prompts = new MissingPrompts(after, (generation) => missed.push(generation));
  const ring = () => [...timers].forEach((act) => act());
  return { prompts, missed, ring, timers };
}

test("a prompt that does not come is missed once", () => {
  const { prompts, missed, ring, timers } = missing();
  prompts.update([one, two]);
  prompts.came(two);
  ring();
  prompts.update([one, two]);
  ring();
  expect(missed).toEqual([one]);
  expect(timers.size).toBe(0);
});

test("a prompt that came before the room said so is not missed", () => {
  const { prompts, missed, ring } = missing();
  prompts.came(one);
  prompts.update([one]);
  ring();
  expect(missed).toEqual([]);
});

test("what the room does not run any more needs no prompt, and leaves no timer", () => {
  const { prompts, missed, timers } = missing();
  prompts.update([one]);
  prompts.update([]);
  expect(timers.size).toBe(0);
  expect(missed).toEqual([]);
});
