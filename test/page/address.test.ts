import { describe, expect, test } from "vitest";
import { addressInRoom, newRoomCode, readAddress, shareOrigin } from "../../src/page/address.ts";
import { RoomCode } from "../../src/shared/ids.ts";
import { createRoomSecret } from "../../src/shared/room-secret.ts";

describe("the page's address", () => {
  test("has a room code in any case, and its parameters", () => {
    expect(readAddress("http://localhost:8787/?room=abc234&join&model=tiny&observe")).toEqual({
      code: "ABC234",
      secret: null,
      wrongCode: null,
      wrongLink: false,
      join: true,
      observe: true,
      model: "tiny",
    });
  });

  test("without a query has no parameters", () => {
    expect(readAddress("http://localhost:8787/")).toEqual({
      code: null,
      secret: null,
      wrongCode: null,
      wrongLink: false,
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

test("a link's fragment has the code and the secret", () => {
  const secret = createRoomSecret();
  const address = { code: "ABC234", secret, wrongLink: false };
  expect(readAddress(`http://localhost/#abc234.${secret}`)).toMatchObject(address);
  expect(readAddress(`http://localhost/?room=ZZZZZZ&join#ABC234.${secret}`)).toMatchObject(address);
  expect(readAddress("http://localhost/#ABC234.")).toMatchObject({ code: null, wrongLink: true });
});

test("the address of a tab in a room has the code and not the secret", () => {
  const shown = addressInRoom("http://localhost/?join#ABC234.x", RoomCode.parse("ABCDEF"));
  expect(shown).toBe("http://localhost/?join=&room=ABCDEF");
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
});
