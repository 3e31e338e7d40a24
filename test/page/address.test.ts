import { describe, expect, test } from "vitest";
import { newRoomCode, readAddress, roomAddress, shareOrigin } from "../../src/page/address.ts";
import { RoomCode } from "../../src/shared/ids.ts";

describe("the page's address", () => {
  test("has a room code in any case, and its parameters", () => {
    expect(readAddress("http://localhost:8787/?room=abc234&join&model=tiny&observe")).toEqual({
      code: "ABC234",
      wrongCode: null,
      join: true,
      observe: true,
      model: "tiny",
    });
  });

  test("without a query has no parameters", () => {
    expect(readAddress("http://localhost:8787/")).toEqual({
      code: null,
      wrongCode: null,
      join: false,
      observe: false,
      model: null,
    });
  });

  test("with a wrong code has its text", () => {
    expect(readAddress("http://localhost/?room=HELLO!")).toMatchObject({
      code: null,
      wrongCode: "HELLO!",
    });
  });
});

test("a new room has a valid code", () => {
  for (let i = 0; i < 100; i++) expect(RoomCode.safeParse(newRoomCode()).success).toBe(true);
});

describe("the address that is shared", () => {
  const addresses = ["http://localhost:8787", "https://192.168.1.5:8787"];

  test.each(["http://localhost:8787", "http://127.0.0.1:8787"])(
    "of a page on %s is one that another machine can open",
    (origin) => expect(shareOrigin(origin, addresses)).toBe("https://192.168.1.5:8787"),
  );

  test("stays the same if the server is on no network, or the page is not local", () => {
    expect(shareOrigin("http://localhost:8787", addresses.slice(0, 1))).toBe(
      "http://localhost:8787",
    );
    expect(shareOrigin("https://mesh.example", addresses)).toBe("https://mesh.example");
  });

  test("ends in the room's code", () => {
    expect(roomAddress("https://a.example", RoomCode.parse("ABCDEF"))).toBe(
      "https://a.example/?room=ABCDEF",
    );
  });
});
