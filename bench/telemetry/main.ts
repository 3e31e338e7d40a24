/**
 * `npm run bench -- telemetry [--quick] [--json]`: what device states cost a room of real tabs, and how
 * late they are, with the bounds beside them. Two tabs compute; the coordinator and another member only
 * observe, and the latter writes down when it has learned each state.
 */
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { median } from "../../src/shared/index.ts";
import {
  answerUntil,
  BenchRoom,
  promptTokens,
  type Member,
  type Watcher,
} from "../recovery/bench-room.ts";
import type { Change } from "../recovery/requests.ts";
import { printRows, type Row } from "../recovery/rows.ts";

const { values } = parseArgs({
  strict: false,
  options: { quick: { type: "boolean" }, json: { type: "boolean" } },
});
const quick = values.quick === true;

const LISTEN_MS = quick ? 10_000 : 30_000;
const PAIRS = quick ? 1 : 8;
const ANSWER_TOKENS = quick ? 40 : 120;
/** Before the pipeline runs evenly. */
const WARM_UP_TOKENS = 10;
const ANSWER_TIMEOUT_MS = 120_000;
/** Members whose states fill the log in the measurement of memory. */
const ROOM_MEMBERS = 16;

const OFTEN_MS = 250;
const DEFAULT_MS = 2000;
/** The longest interval that a room can have: no answer of the bench takes so long. */
const RARELY_MS = 60_000;

const LATENCY_BOUND_MS = 500;
const MEMORY_BOUND_BYTES = 50e6;
const COST_BOUND = 0.05;

const say = (line: string) => console.error(`  ${line}`);
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const room = await BenchRoom.open("TEMTAB");
try {
  say("opens a room of four tabs");
  const coordinator = await room.watch("coordinator");
  const observer = await room.watch("observer");
  const members = [await room.compute("one"), await room.compute("two")];
  await room.placeOver(...members);
  const rows: Row[] = [];
  for (const measure of [
    () => latencies(coordinator, observer, members),
    () => memory(coordinator),
    () => costs(coordinator, observer),
  ]) {
    const measured = await measure();
    for (const { what, value } of measured) say(`${what}: ${value}`);
    rows.push(...measured);
  }
  printRows("device states", rows, values.json === true);
  say(`load average ${loadavg()[0]!.toFixed(1)} on ${cpus().length} cores`);
  for (const line of room.errors) say(line);
} finally {
  await room.close();
}
// PeerServer starts timers that it cannot stop.
process.exit();

/** From the collection of a state to another member's copy of it, while an answer is computed. */
async function latencies(
  coordinator: Watcher,
  observer: Watcher,
  members: readonly Member[],
): Promise<Row[]> {
  const visible = await latency("all tabs visible", observer);
  await coordinator.machine.hide();
  const hidden = await latency("the coordinator is hidden", observer);
  await Promise.all([observer, ...members].map(({ machine }) => machine.hide()));
  const all = await latency("all tabs are hidden", observer);
  await Promise.all([coordinator, observer, ...members].map(({ machine }) => machine.show()));
  return [visible, hidden, all];
}

async function latency(what: string, observer: Watcher): Promise<Row> {
  say(what);
  const { visibilityState } = await observer.machine.page.evaluate(() => ({
    visibilityState: document.visibilityState,
  }));
  await observer.call({ kind: "ask", tokens: await promptTokens(64), maxTokens: 2000 });
  await observer.call({ kind: "changes" });
  await sleep(LISTEN_MS);
  const changes = await observer.call<Change[]>({ kind: "changes" });
  await observer.call({ kind: "stop" });
  await answerUntil(observer, ANSWER_TIMEOUT_MS, ({ finished }) => finished);
  const late = changes
    .flatMap(({ atMs, collectedAtMs }) => (collectedAtMs === null ? [] : [atMs - collectedAtMs]))
    .sort((one, other) => one - other);
  return {
    what: `latency, ${what}`,
    value: late.at(-1) ?? Infinity,
    unit: "ms",
    bound: LATENCY_BOUND_MS,
    note: `median ${late[late.length >> 1]} ms, ${late.length} states; the reader is ${visibilityState}`,
  };
}

/** Tokens per second with and without device states, in turns. */
async function costs(coordinator: Watcher, observer: Watcher): Promise<Row[]> {
  const rates = new Map<number, number[]>([OFTEN_MS, DEFAULT_MS, RARELY_MS].map((ms) => [ms, []]));
  for (let pair = 0; pair < PAIRS; pair += 1) {
    say(`answers with and without device states, ${pair + 1} of ${PAIRS}`);
    const order = [...rates.keys()];
    // The machine may become slower or faster: the order alternates.
    for (const intervalMs of pair % 2 === 0 ? order : order.reverse()) {
      await coordinator.call({ kind: "interval", telemetryIntervalMs: intervalMs });
      rates.get(intervalMs)!.push(await tokensPerSecond(observer));
    }
  }
  const share = (intervalMs: number) => {
    const ratios = rates
      .get(intervalMs)!
      .map((rate, pair) => 1 - rate / rates.get(RARELY_MS)![pair]!);
    return { middle: median(ratios), from: Math.min(...ratios), to: Math.max(...ratios) };
  };
  return [DEFAULT_MS, OFTEN_MS].map((intervalMs) => {
    const { middle, from, to } = share(intervalMs);
    const percent = (part: number) => `${(part * 100).toFixed(1)} %`;
    return {
      what: `cost of decode, every ${intervalMs / 1000} s`,
      value: middle,
      unit: "share",
      bound: intervalMs === DEFAULT_MS ? COST_BOUND : null,
      note: `median of ${PAIRS} pairs, ${percent(from)} to ${percent(to)}; ${median(rates.get(RARELY_MS)!).toFixed(1)} tokens/s without`,
    };
  });
}

async function tokensPerSecond(observer: Watcher): Promise<number> {
  await observer.call({ kind: "ask", tokens: await promptTokens(32), maxTokens: ANSWER_TOKENS });
  const { atMs, error } = await answerUntil(
    observer,
    ANSWER_TIMEOUT_MS,
    ({ finished }) => finished,
  );
  if (error !== null) throw new Error(error);
  const counted = atMs.slice(WARM_UP_TOKENS);
  return ((counted.length - 1) * 1000) / (counted.at(-1)! - counted[0]!);
}

/** What a full log of device states adds to a tab's heap, and the heap of the timers' worker. */
async function memory({ machine, call }: Watcher): Promise<Row[]> {
  say("memory");
  const page = await machine.page.createCDPSession();
  const heapBytes = async (session: typeof page) => {
    await session.send("HeapProfiler.collectGarbage");
    return (await session.send("Runtime.getHeapUsage")).usedSize;
  };
  const before = await heapBytes(page);
  const events = await call<number>({ kind: "fill_log", members: ROOM_MEMBERS });
  const logBytes = (await heapBytes(page)) - before;
  const clock = machine.page.workers().find((worker) => worker.url().includes("clock.worker"));
  if (clock === undefined) throw new Error("the tab has no worker for timers");
  const clockBytes = await heapBytes(clock.client);
  return [
    {
      what: "memory of device states",
      value: logBytes + clockBytes,
      unit: "bytes",
      bound: MEMORY_BOUND_BYTES,
      note: `a log of ${events} states, ${(logBytes / 1e6).toFixed(1)} MB, and the timers' worker, ${(clockBytes / 1e6).toFixed(1)} MB`,
    },
  ];
}
