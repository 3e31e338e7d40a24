import { describe, expect, test } from "vitest";
import { RoomCode } from "../../src/shared/ids.ts";
import { invitationLink, readInvitation } from "../../src/shared/invitation.ts";
import { createRoomSecret } from "../../src/shared/room-secret.ts";

const code = RoomCode.parse("ABC234");
const secret = createRoomSecret();

describe("an invitation", () => {
  test("is a link whose fragment has the code and the secret: what a browser sends has neither", () => {
    const link = invitationLink("https://mesh.example:8787", code, secret);
    expect(link).toBe(`https://mesh.example:8787/#ABC234.${secret}`);
    const { origin, pathname, search } = new URL(link);
    expect(`${origin}${pathname}${search}`).toBe("https://mesh.example:8787/");
    expect(readInvitation(link)).toEqual({ code, secret });
  });

  test.each([
    ["a code", "ABC234"],
    ["a code in lower case, with a space or a hyphen", " abc-2 34"],
    ["an address with the code", "http://localhost:8787/?room=abc234&join"],
  ])("is %s, without a secret", (_, text) => {
    expect(readInvitation(text)).toEqual({ code, secret: null });
  });

  test("is also read from a link's fragment alone", () => {
    expect(readInvitation(`#abc234.${secret}`)).toEqual({ code, secret });
  });

  test.each([
    "",
    "ABC23",
    "ABC2345",
    "https://mesh.example/",
    "https://mesh.example/?room=ABC",
    `https://mesh.example/?room=ABC234#ABC234.${secret.slice(1)}`,
    `https://mesh.example/#ABC234`,
    `https://mesh.example/#ABC234.`,
    `https://mesh.example/#.${secret}`,
    "://",
  ])("is not %j", (text) => expect(readInvitation(text)).toBeNull());
});
