import { expect, test } from "vitest";
import { filesOf } from "../../tools/test-sets.ts";

test.each(["chromium", "firefox", "e2e"] as const)(
  "%s: the merge set and the remaining set are complementary",
  (project) => {
    const merge = filesOf(project, "merge");
    const remaining = filesOf(project, "remaining");
    const full = filesOf(project, "full");
    expect(merge.include).toEqual(full.include);
    expect(merge.exclude).toEqual(remaining.include);
    expect([...remaining.exclude, ...full.exclude]).toEqual([]);
  },
);
