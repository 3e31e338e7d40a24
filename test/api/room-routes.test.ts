/** The routes that show the room and place models, over a real room in memory. */
/* oxlint-disable typescript/no-unsafe-member-access, typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-argument -- bodies are JSON of many shapes, and the expectations say which */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MemberId } from "../../src/shared/ids.ts";
import { apply } from "../../src/shared/apply.ts";
import { readRoomLog } from "../../src/shared/room-log.ts";
import { deviceState, HALF, WHOLE } from "../../tools/room/test-data.ts";
import { type ApiTestRoom, jsonOf, openApiRoom, request, textOf } from "./api-room.ts";

const TAB0 = MemberId.parse("tab0");

let room: ApiTestRoom;
beforeEach(async () => {
  room = await openApiRoom([WHOLE, HALF]);
});
afterEach(() => room.room.close());

function get(path: string, query: Record<string, string> = {}) {
  return jsonOf(request(room, "GET", withQuery(path, query)));
}
function withQuery(path: string, query: Record<string, string>): string {
  return `${path}?${new URLSearchParams(query).toString()}`;
}
function place(body: unknown) {
  return jsonOf(request(room, "POST", "/api/placements", { body }));
}

describe("POST /api/placements", () => {
  test("given stages: responds when every stage has loaded", async () => {
    const stages = [
      { member: "tab1", first: 0, end: 2 },
      { member: "tab0", first: 2, end: 6 },
    ];
    const { status, body } = await place({ model: "tiny", stages });
    expect(status).toBe(200);
    expect(body).toMatchObject({ model: "tiny", ready: true, stages, predictedMs: null });
    const shards = room.client.state.members.map(({ id, shard }) => [id, shard?.status ?? null]);
    expect(shards).toEqual([
      ["front", null],
      ["tab0", "ready"],
      ["tab1", "ready"],
    ]);
  });

  test("without stages the solver chooses", async () => {
    const { status, body } = await place({ model: "tiny" });
    expect(status).toBe(200);
    expect(body["stages"]).toEqual([{ member: "tab0", first: 0, end: 6 }]);
  });

  test.each([
    [
      "a gap",
      [
        ["tab0", 0, 3],
        ["tab1", 4, 6],
      ],
      400,
      {
        reason: "stages_invalid",
        violation: { kind: "gap_or_overlap", member: "tab1", first: 4, expectedFirst: 3 },
      },
    ],
    [
      "an overlap",
      [
        ["tab0", 0, 4],
        ["tab1", 3, 6],
      ],
      400,
      {
        reason: "stages_invalid",
        violation: { kind: "gap_or_overlap", member: "tab1", first: 3, expectedFirst: 4 },
      },
    ],
    [
      "a missing end",
      [["tab0", 0, 5]],
      400,
      { reason: "stages_invalid", violation: { kind: "wrong_layer_count", end: 5, layers: 6 } },
    ],
    [
      "too many layers",
      [["tab0", 0, 7]],
      400,
      { reason: "stages_invalid", violation: { kind: "wrong_layer_count", end: 7, layers: 6 } },
    ],
    [
      "an unknown member",
      [["nobody", 0, 6]],
      400,
      { reason: "stages_invalid", violation: { kind: "unknown_member", member: "nobody" } },
    ],
    [
      "a member twice",
      [
        ["tab0", 0, 3],
        ["tab0", 3, 6],
      ],
      400,
      { reason: "stages_invalid", violation: { kind: "two_stages", member: "tab0" } },
    ],
    [
      "a member that only watches",
      [["front", 0, 6]],
      503,
      { reason: "member_cannot_compute", noAdapter: { reason: "observer" } },
    ],
    [
      "too little memory",
      [["tab1", 0, 6]],
      503,
      { reason: "stage_exceeds_memory", neededBytes: 6500, availableBytes: 3700 },
    ],
  ] as const)("%s is refused", async (_name, stages, status, reason) => {
    const named = stages.map(([member, first, end]) => ({ member, first, end }));
    const answer = await place({ model: "tiny", stages: named });
    expect(answer.status).toBe(status);
    expect(answer.body["error"]).toMatchObject({ reason });
    expect(room.client.state.placement).toBeNull();
  });

  test("a stage that cannot load is the response's error", async () => {
    const models = { loadShard: () => Promise.reject(new Error("The disk is full.")) };
    await room.room.add("broken", { models });
    const stages = [{ member: "broken", first: 0, end: 6 }];
    const { status, body } = await place({ model: "tiny", stages });
    expect(status).toBe(503);
    expect(body["error"]).toMatchObject({
      reason: {
        reason: "stage_load_failed",
        member: "broken",
        cause: { reason: "unexpected", detail: "The disk is full." },
      },
    });
  });

  test("a model whose header cannot be read says why", async () => {
    const client = (
      await room.room.add("odd", {
        observes: true,
        models: { inspect: () => Promise.reject(new Error("models.example refused (CORS).")) },
      })
    ).client;
    const answer = await jsonOf(
      request({ ...room, client }, "POST", "/api/placements", {
        body: { model: "https://models.example/other.gguf" },
      }),
    );
    expect(answer).toMatchObject({
      status: 503,
      body: { error: { message: expect.stringMatching(/CORS/) } },
    });
  });
});

test("GET /api/placements/preview: candidates with times, memory, and violations", async () => {
  const { status, body } = await get("/api/placements/preview", { model: "tiny" });
  expect(status).toBe(200);
  expect(body["candidates"][0]).toMatchObject({
    label: "solver",
    feasible: true,
    stages: [{ member: "tab0", first: 0, end: 6, usedBytes: 6500, memoryBytes: WHOLE }],
  });
  expect(body["candidates"][0].predictedMsPerToken).toBeGreaterThan(0);
  const small = body["candidates"].find(({ label }: { label: string }) => label === "tab1 alone");
  expect(small).toMatchObject({
    feasible: false,
    origins: [{ kind: "single_member", member: "tab1" }],
    violations: [{ kind: "memory", member: "tab1" }],
    problems: [expect.any(String)],
  });
  expect(room.client.state.placement).toBeNull();
});

test("a model's file name is accepted as its id, in placements and in previews", async () => {
  const model = "tiny.gguf";
  expect(await get("/api/placements/preview", { model })).toMatchObject({
    status: 200,
    body: { model: "tiny" },
  });
  expect(await place({ model })).toMatchObject({ status: 200 });
  expect(room.client.state.placement).toMatchObject({ ready: true, model: { name: "tiny" } });
});

test("GET /api/placements/preview does not make members fetch a URL that is not listed", async () => {
  for (const model of ["https://elsewhere.example/a.gguf", "https://elsewhere.example/tiny.gguf"]) {
    const { status, body } = await get("/api/placements/preview", { model });
    expect(status).toBe(404);
    expect(body["error"].reason).toEqual({ reason: "model_not_found", model, known: ["tiny"] });
  }
  expect(room.client.state.models).toEqual([]);
  const offered = "https://models.example/tiny.gguf";
  expect((await get("/api/placements/preview", { model: offered })).status).toBe(200);
});

describe("GET /api/placements/preview explains", () => {
  beforeEach(() => room.room.until(({ links }) => links.length === 2, "links to be measured"));

  test("the solver's choice with its shares, and what including each left-out member costs", async () => {
    const { body } = await get("/api/placements/preview", { model: "tiny" });
    expect(body).toMatchObject({ kind: "optimal", objective: "latency", infeasible: null });
    expect(body["candidates"][0].stages[0]).toMatchObject({ binds: "all_layers" });
    const [out] = body["explanation"].leftOut;
    expect(out).toMatchObject({ member: "tab1", isProven: true });
    expect(out.extraMs).toBeGreaterThan(0);
  });

  test("also lists the greedy, current, and Pareto placements", async () => {
    const stages = [
      { member: "tab1", first: 0, end: 2 },
      { member: "tab0", first: 2, end: 6 },
    ];
    await place({ model: "tiny", stages });
    const { body } = await get("/api/placements/preview");
    const labels = (body["candidates"] as { labels: string[] }[]).flatMap((each) => each.labels);
    expect(labels).toEqual(expect.arrayContaining(["solver", "current", "greedy"]));
    const current = body["candidates"].find(({ label }: { label: string }) => label === "current");
    expect(current.stages.map(({ member }: { member: string }) => member)).toEqual([
      "tab1",
      "tab0",
    ]);
    expect(current.parts.hopMs).toBeGreaterThan(0);
    const [first, ...others] = body["front"];
    expect(first.latencyMs).toBeCloseTo(body["candidates"][0].predictedMsPerToken, 3);
    for (const point of others) expect(point.bottleneckMs).toBeLessThan(first.bottleneckMs);
  });

  test("an infeasible model: what binds, how many bytes are missing, what would help", async () => {
    await room.client.dispatch({ type: "choose_member", member: TAB0, use: "exclude" });
    const { status, body } = await get("/api/placements/preview", { model: "tiny" });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      kind: "infeasible",
      explanation: null,
      infeasible: { binds: "memory", shortBytes: 2800 },
      brokenRules: [{ member: "tab0", constraint: "excluded", hard: true }],
    });
    expect(body["infeasible"].wouldHelp.length).toBeGreaterThan(0);
  });
});

test("GET /v1/models: what the room has and can load, and which is placed", async () => {
  expect((await get("/v1/models")).body["data"]).toMatchObject([{ id: "tiny", placed: false }]);
  await place({ model: "tiny" });
  expect((await get("/v1/models")).body["data"]).toEqual([
    { id: "tiny", object: "model", created: 0, owned_by: "tabmesh", placed: true, ready: true },
  ]);
});

test("GET /v1/models/NAME accepts an id or a file name, and answers 404 to anything else", async () => {
  for (const name of ["tiny", "tiny.gguf"]) {
    expect(await get(`/v1/models/${name}`)).toMatchObject({ status: 200, body: { id: "tiny" } });
  }
  for (const name of ["other", "%", "%ff", "a/b"]) {
    expect(await get(`/v1/models/${name}`)).toMatchObject({
      status: 404,
      body: { error: { code: "model_not_found", reason: { known: ["tiny"] } } },
    });
  }
});

test("GET /api/state: the fields that scripts depend on", async () => {
  expect((await get("/api/state")).body).toMatchObject({ coordinator: "front", placement: null });
  await place({ model: "tiny" });
  const { body } = await get("/api/state");
  expect(body).toMatchObject({
    room: "ABCDEF",
    coordinator: "front",
    epoch: 1,
    index: room.client.state.nextIndex - 1,
    generations: [],
    placement: { model: "tiny", stages: [{ member: "tab0", first: 0, end: 6 }] },
  });
  expect(body["members"]).toHaveLength(3);
  expect(body["members"][1]).toMatchObject({
    id: "tab0",
    adapter: { browser: "Node 20" },
    measurements: { memoryBudgetBytes: WHOLE },
  });
});

test("GET /api/topology/gpu: nodes, edges, and why the room is heterogeneous", async () => {
  await room.room.until(({ links }) => links.length === 2, "links to be measured");
  const { body } = await get("/api/topology/gpu");
  expect(body["nodes"]).toHaveLength(3);
  expect(body["edges"]).toContainEqual(
    expect.objectContaining({ from: "tab0", to: "tab1", roundTripMs: expect.any(Number) }),
  );
  expect(body["heterogeneous"]).toBe(true);
  expect(body["reasons"]).toMatchObject([
    { kind: "memory", minMember: "tab1", maxMember: "tab0", message: expect.any(String) },
  ]);
  const [front, large, small] = body["nodes"];
  expect(front.score).toBeNull();
  expect(large.score).toMatchObject({ member: "tab0", memory: 1, compute: 1, thermal: 1 });
  expect(small.score.total).toBeLessThan(large.score.total);
  expect(body["scoreWeights"]).toMatchObject({ compute: 0.4, memory: 0.3 });
});

describe("GET /api/events", () => {
  async function read(query: Record<string, string>, count: number): Promise<string[]> {
    const response = await request(room, "GET", withQuery("/api/events", query));
    const events: string[] = [];
    for await (const event of textOf(response)) {
      events.push(event);
      if (events.length === count) break;
    }
    return events;
  }

  test("from the start: a snapshot, every event, and new events", async () => {
    const reading = read({}, 1 + room.client.state.nextIndex + 1);
    const device = deviceState({ busyFraction: 0.5 });
    await room.client.dispatch({ type: "report_device_state", device });
    const events = await reading;
    expect(events[0]).toMatch(/^id: -1\nevent: snapshot\ndata: \{"room":"ABCDEF"/);
    expect(events[1]).toMatch(/^id: 0\nevent: member_joined\n/);
    expect(events.at(-1)).toContain('"busyFraction":0.5');
  });

  test("after an index: only what follows", async () => {
    const [event] = await read({ after: "1" }, 1);
    expect(event).toMatch(/^id: 2\nevent: /);
  });

  test("a client that accepts only JSON gets the log as a file", async () => {
    const headers = { accept: "application/json" };
    const response = await request(room, "GET", "/api/events", { headers });
    const { base, events } = readRoomLog(await response.text());
    expect(events.reduce(apply, base)).toEqual(room.client.state);
  });

  test("an invalid index gets 400", async () => {
    expect(await get("/api/events", { after: "soon" })).toMatchObject({ status: 400 });
  });
});
