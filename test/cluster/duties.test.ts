/** Reports of members: device states, links, and progress, in time and not too often. */
import { expect, test } from "vitest";
import { isEvent } from "../../src/cluster/membership/room-access.ts";
import type { LoadPhase } from "../../src/shared/member.ts";
import type { RoomNotice } from "../../src/shared/room-notice.ts";
import { DEFAULT_SETTINGS } from "../../src/shared/state.ts";
import { PLAIN_LOOPS } from "../../tools/cpu/cpu-shard.ts";
import { deviceState, HALF, MODEL_URL } from "../../tools/room/test-data.ts";
import { withRoom } from "../../tools/room/test-room.ts";

test("a reported device state reaches every member without another report", async () => {
  await withRoom(async (room) => {
    await room.add("first");
    const second = await room.add("second");
    await room.add("third");
    await second.client.dispatch({
      type: "report_device_state",
      device: deviceState({ busyFraction: 0.75 }),
    });
    await room.until(
      ({ members }) => members.some(({ device }) => device?.busyFraction === 0.75),
      "the state to arrive",
    );
  });
});

test("telemetry follows the room's interval", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("first");
    await client.dispatch({
      type: "change_settings",
      settings: { ...DEFAULT_SETTINGS, telemetryIntervalMs: 250 },
    });
    // Joins after the change, so that its first sample is due by it.
    await room.add("second");
    await room.until(
      ({ members }) => members.some(({ id, device }) => id === "second" && device !== null),
      "a sample",
    );
  });
});

test("every pair that computes is measured in both directions; observers are not", async () => {
  await withRoom(async (room) => {
    for (const name of ["a", "b", "c"]) await room.add(name);
    await room.add("watcher", { observes: true });
    await room.until(({ links }) => links.length === 6, "all links");
    const [tab] = room.tabs.values();
    const pairs = tab!.client.state.links.map(({ from, to }) => `${from}${to}`).sort();
    expect(pairs).toEqual(["ab", "ac", "ba", "bc", "ca", "cb"]);
  });
});

test("progress of a download is a few events, not one for each piece", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("watcher", { observes: true });
    let reports = 0;
    client.subscribe((change) => {
      if (isEvent(change, "shard_progressed")) reports += 1;
    });
    const loadShard = (
      _request: unknown,
      onProgress: (progress: { phase: LoadPhase; doneBytes: number; totalBytes: number }) => void,
    ) => {
      for (let doneBytes = 0; doneBytes < 10_000; doneBytes++) {
        onProgress({ phase: "downloading", doneBytes, totalBytes: 10_000 });
      }
      return Promise.resolve({ kernels: PLAIN_LOOPS });
    };
    await room.add("worker", { models: { loadShard } });
    await client.place({ model: MODEL_URL });
    expect(reports).toBeLessThan(100);
    expect(client.state.members.at(-1)?.shard).toMatchObject({
      status: "ready",
      totalBytes: 10_000,
      kernels: PLAIN_LOOPS,
    });
  });
});

test("progress that comes after the end of a load does not undo it", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("watcher", { observes: true });
    let report = () => undefined as void;
    const loadShard = (
      _request: unknown,
      onProgress: (progress: { phase: LoadPhase; doneBytes: number; totalBytes: number }) => void,
    ) => {
      report = () => onProgress({ phase: "compiling", doneBytes: 10, totalBytes: 10 });
      return Promise.resolve({ kernels: PLAIN_LOOPS });
    };
    const worker = await room.add("worker", { models: { loadShard } });
    await client.place({ model: MODEL_URL });
    report();
    // Commands of a member arrive in their order: a report of it would have arrived before this.
    await worker.client.dispatch({ type: "rename", name: "still there" });
    expect(client.state.members.at(-1)).toMatchObject({
      name: "still there",
      shard: { status: "ready" },
    });
  });
});

test("kernels that are measured after a load reach the room", async () => {
  await withRoom(async (room) => {
    const { client } = await room.add("watcher", { observes: true });
    const worker = await room.add("worker");
    await client.place({ model: MODEL_URL });
    expect(client.state.members.at(-1)?.shard?.kernels).toEqual(PLAIN_LOOPS);
    worker.shard().onKernels!({ ...PLAIN_LOOPS, tuning: { status: "measured" } });
    await room.until(
      ({ members }) => members.some(({ shard }) => shard?.kernels?.tuning.status === "measured"),
      "the report to arrive",
    );
    expect(client.state.members.at(-1)?.shard?.status).toBe("ready");
  });
});

test("while a member loads layers, none is checked for silence, whether its own are ready or not", async () => {
  await withRoom(async (room) => {
    let load = () => undefined as void;
    const mayLoad = new Promise<void>((resolve) => (load = resolve));
    const first = await room.add("first", { memoryBytes: HALF });
    const second = await room.add("second", { memoryBytes: HALF, beforeLoad: () => mayLoad });
    const asked: string[] = [];
    first.transport.check = second.transport.check = (peer) => asked.push(peer);
    const observeSilence = () => {
      first.listeners.onObservation({ kind: "peer_silent", peer: second.id, again: false });
      second.listeners.onObservation({ kind: "peer_silent", peer: first.id, again: false });
    };
    const placed = first.client.place({ model: MODEL_URL });
    await room.until(
      ({ members }) =>
        members.some(({ id, shard }) => id === first.id && shard?.status === "ready") &&
        members.some(({ id, shard }) => id === second.id && shard?.status === "loading"),
      "one of two loads",
    );
    observeSilence();
    expect(asked).toEqual([]);
    load();
    await placed;
    observeSilence();
    expect(asked).toEqual([second.id, first.id]);
  });
});

test("when a GPU worker fails repeatedly, the member's layers move, and the room says why", async () => {
  await withRoom(async (room) => {
    const first = await room.add("first");
    await first.client.place({ model: MODEL_URL });
    await room.add("second");
    const cause = { reason: "worker_failed", worker: "GPU", detail: "no script" } as const;
    first.listeners.onObservation({ kind: "worker_gone", cause });
    await room.until(
      ({ placement }) => placement?.ready === true && placement.stages[0]?.member === "second",
      "the other member to hold the model",
    );
    const member = first.client.state.members.find(({ id }) => id === first.id);
    expect(member).toMatchObject({ adapter: null, noAdapter: { reason: "worker_gone", cause } });
  });
});

test("when a device is lost, the member's layers move", async () => {
  await withRoom(async (room) => {
    const first = await room.add("first");
    await first.client.place({ model: MODEL_URL });
    await room.add("second");
    const notices: RoomNotice[] = [];
    first.client.onNotice((notice) => notices.push(notice));
    const noAdapter = { reason: "device_lost" as const, detail: "driver reset" };
    await first.client.dispatch({ type: "report_adapter_loss", noAdapter });
    await room.until(
      ({ placement }) => placement?.ready === true && placement.stages[0]?.member === "second",
      "the other member to hold the model",
    );
    expect(notices).toContainEqual({
      kind: "placement_failed",
      failure: expect.objectContaining({
        reason: "stage_gpu_lost",
        member: "first",
        noAdapter,
      }) as unknown,
    });
  });
});
