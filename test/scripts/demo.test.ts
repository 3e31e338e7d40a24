import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { ask } from "../../tools/room/ask.ts";
import { placementLines, timingLines } from "../../scripts/demo/report.ts";
import { splitLayers } from "../../tools/room/split-layers.ts";
import { RoomApi, type ApiState } from "../../tools/room/room-api.ts";

const timings = {
  first_token_ms: 812.4,
  total_ms: 5000,
  tokens_per_second: 3.456,
  stages: [{ member: "a", first: 0, end: 10, compute_ms: 12.34, hop_ms: 1.5 }],
};

describe("splitLayers", () => {
  const workers = (...speeds: number[]) =>
    speeds.map((speed, index) => ({ member: `m${index}`, speed }));
  const ends = (layers: number, minLayers: number, ...speeds: number[]) =>
    splitLayers(layers, workers(...speeds), minLayers).map(({ end }) => end);

  test("gives equal members equal shares", () => {
    expect(splitLayers(30, workers(5, 5, 5), 4)).toEqual([
      { member: "m0", first: 0, end: 10 },
      { member: "m1", first: 10, end: 20 },
      { member: "m2", first: 20, end: 30 },
    ]);
  });

  test("gives faster members more, the slowest the minimum, and loses no layer", () => {
    expect(ends(30, 4, 1, 1e-9, 1)).toEqual([13, 17, 30]);
    expect(ends(7, 2, 3, 1, 1)).toEqual([3, 5, 7]);
    expect(ends(3, 1, 1, 100, 1)).toEqual([1, 2, 3]);
  });

  test("throws when there are too few layers", () => {
    expect(() => splitLayers(3, workers(1, 1), 2)).toThrow("3 layers do not give 2 members 2 each");
  });
});

describe("ask", () => {
  async function answering(pieces: readonly string[], status = 200) {
    const server = createServer((_request, response) => {
      response.writeHead(status);
      for (const piece of pieces) response.write(piece);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const said: string[] = [];
    const api = new RoomApi(`http://127.0.0.1:${port}`, "ABCDEF");
    try {
      return { answer: await ask(api, "m", "?", (text) => said.push(text)), said };
    } finally {
      server.close();
    }
  }
  const event = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;
  const piece = (content: string) => event({ choices: [{ delta: { content } }] });

  test("passes on each piece, however the events are cut, and ends with the timings", async () => {
    const last = event({ choices: [], usage: { completion_tokens: 2 }, timings });
    const all = piece("Par") + piece("is") + last + "data: [DONE]\n\n";
    const { answer, said } = await answering([all.slice(0, 9), all.slice(9, 60), all.slice(60)]);
    expect(said.join("")).toBe("Paris");
    expect(answer).toEqual({ tokens: 2, timings });
  });

  test("rejects with the room's message, before the stream and in it", async () => {
    const error = { error: { message: "No room is open here." } };
    await expect(answering([JSON.stringify(error)], 503)).rejects.toThrow("No room is open here.");
    await expect(answering([piece("Par"), event({ choices: [], ...error })])).rejects.toThrow(
      "No room is open here.",
    );
    await expect(answering([piece("Par")])).rejects.toThrow("without its usage");
  });
});

test("the report names who holds what, and where the time went", () => {
  const member = { name: "Anna's laptop", adapter: { browser: "Firefox 153" } };
  const state = {
    members: [{ id: "a", ...member }],
    placement: { stages: [{ member: "a", first: 0, end: 10 }] },
  } as unknown as ApiState;
  expect(placementLines(state)).toEqual([
    "  stage 0  layers 0 to 9     Firefox 153 (Anna's laptop)",
  ]);
  expect(timingLines({ tokens: 9, timings })).toEqual([
    "9 tokens, 3.46 tokens/s, first token after 812 ms",
    "  stage 0  compute     12.3 ms   hop      1.5 ms",
  ]);
});
