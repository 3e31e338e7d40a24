import { describe, expect, test } from "vitest";
import { refusalOf } from "../../src/mesh/signaling.ts";
import { rateLimited } from "../../server/rate-limit.ts";

describe("an error of PeerJS", () => {
  test("with our server's refusal says when to try again", () => {
    const message = JSON.stringify(rateLimited(3500));
    expect(refusalOf({ type: "server-error", message })).toEqual({
      reason: "signaling_busy",
      retryAfterS: 4,
    });
  });

  test.each([
    ["server-error", "Server has reached its concurrent user limit"],
    ["server-error", '{"reason":"other"}'],
    ["network", JSON.stringify(rateLimited(3500))],
  ])("%s with %s is none", (type, message) => {
    expect(refusalOf({ type, message })).toBeNull();
  });
});
