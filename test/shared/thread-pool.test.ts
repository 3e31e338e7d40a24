/** Which thread of a pool gets work. */
import { expect, test } from "vitest";
import { ThreadPool } from "../../src/shared/thread-pool.ts";

test("threads start when all others are busy; one whose work failed gets less of it", async () => {
  let started = 0;
  const pool = new ThreadPool(2, () => started++);
  let end = () => {};
  const busy = pool.run(
    (thread) => new Promise<number>((resolve) => (end = () => resolve(thread))),
  );
  expect(await pool.run((thread) => Promise.resolve(thread))).toBe(1);
  end();
  expect(await busy).toBe(0);
  const failed = pool.run((thread) => Promise.reject(new Error(`thread ${thread} is gone`)));
  await expect(failed).rejects.toThrow("thread 0");
  expect(await pool.run((thread) => Promise.resolve(thread))).toBe(1);
  expect(started).toBe(2);
});
