import { describe, expect, test } from "vitest";
import { addressKey, RateLimit, rateLimited } from "../../server/rate-limit.ts";

describe("a rate limit", () => {
  const rate = { perSecond: 2, burst: 3 };
  const open = () => {
    const clock = { nowMs: 1000 };
    return { clock, limit: new RateLimit(rate, () => clock.nowMs) };
  };

  test("grants a burst, then as many as time allows, to each address by itself", () => {
    const { clock, limit } = open();
    expect([1, 2, 3].map(() => limit.take("a"))).toEqual([0, 0, 0]);
    expect(limit.take("a")).toBe(500);
    expect(limit.take("b")).toBe(0);
    clock.nowMs += 499;
    expect(limit.take("a")).toBeCloseTo(1);
    clock.nowMs += 1;
    expect(limit.take("a")).toBe(0);
    expect(limit.take("a")).toBe(500);
  });

  test("grants no more than a burst after a long time", () => {
    const { clock, limit } = open();
    clock.nowMs += 1e9;
    expect([1, 2, 3].map(() => limit.take("a"))).toEqual([0, 0, 0]);
    expect(limit.take("a")).toBeGreaterThan(0);
  });

  test("that counts what has already happened makes the wait longer, up to a burst", () => {
    const { limit } = open();
    expect([1, 2, 3].map(() => limit.spend("a"))).toEqual([0, 0, 0]);
    expect([1, 2, 3, 4].map(() => limit.spend("a"))).toEqual([500, 1000, 1500, 1500]);
  });

  test("has bounded memory", () => {
    const { clock, limit } = open();
    for (let other = 0; other < 30_000; other += 1) {
      clock.nowMs += 0.01;
      limit.take(`other-${other}`);
    }
    expect(limit.size).toBeLessThanOrEqual(10_000);
  });
});

test.each([
  ["192.168.1.5", "192.168.1.5"],
  ["::ffff:192.168.1.5", "192.168.1.5"],
  ["::1", "0:0:0:0"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8:1:2::9", "2001:db8:1:2"],
  ["2001:db8::9", "2001:db8:0:0"],
  ["fe80::1%eth0", "fe80:0:0:0"],
  [undefined, ""],
])("%s is counted as %s", (address, key) => {
  expect(addressKey(address)).toBe(key);
});

test("a refusal says in whole seconds when to try again", () => {
  expect(rateLimited(1)).toEqual({ reason: "rate_limited", retryAfterS: 1 });
  expect(rateLimited(2001)).toEqual({ reason: "rate_limited", retryAfterS: 3 });
});
