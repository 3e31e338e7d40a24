/**
 * `npm run bench -- room [--tabs=1,2,3] [--model=FILE] [--tokens=N]`: what a user gets over HTTP from
 * Chromium tabs on this machine, each in a process of its own, that share its adapter: loading, one
 * answer, and several at once. The further stages of one adapter add only their hops.
 */
import { basename, dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { openServer } from "../../server/server.ts";
import { median } from "../../src/shared/index.ts";
import { openChromiumTab, type Tab } from "../../tools/browsers/tabs.ts";
import { RoomApi } from "../../tools/room/room-api.ts";
import { BUILT_PAGE, evenStages, JOIN_TIMEOUT_MS } from "../../tools/room/e2e-room.ts";
import { ask, type Answer } from "../../tools/room/ask.ts";

const { values } = parseArgs({
  strict: false,
  options: { tabs: { type: "string" }, model: { type: "string" }, tokens: { type: "string" } },
});
const file = resolve(String(values.model ?? "models/SmolLM2-135M-Instruct.Q4_1.gguf"));
const model = basename(file, ".gguf");
const maxTokens = Number(values.tokens ?? 128);
const ROUNDS = 3;
const TOGETHER = [4, 8];
/** Longer than two device states are apart, so that the newest one saw only answers. */
const BUSY_MS = 6000;
/** Its answer runs to the limit of tokens. */
const QUESTION = "Write a long story about a lighthouse.";
const say = (line: string) => console.error(`  ${line}`);

type Row = Record<string, string | number>;

async function measure(count: number): Promise<Row> {
  const server = await openServer({
    ...{ port: 0, page: BUILT_PAGE, models: dirname(file), lanCertificate: null },
  });
  const tabs: Tab[] = [];
  try {
    const api = new RoomApi(server.addresses[0]!, "BENCHR");
    const url = `${api.server}/?room=${api.room}&join`;
    while (tabs.length < count) tabs.push(await openChromiumTab({ url, onError: say }));
    const { members } = await api.waitForMembers(count, JOIN_TIMEOUT_MS);
    const layers = await layerCount(api);
    const stages = evenStages(
      members.map(({ id }) => id),
      layers,
    );
    const start = performance.now();
    await api.place(model, stages);
    const loadMs = performance.now() - start;
    say(`${count} tabs: loaded in ${(loadMs / 1000).toFixed(1)} s`);
    const answer = () => ask(api, model, QUESTION, () => undefined, maxTokens);
    const first = await answer();
    const row: Row = { tabs: count, "load, s": fixed(loadMs / 1000, 1) };
    const one: Answer[] = [];
    for (let round = 0; round < ROUNDS; round++) one.push(await answer());
    const rate = median(one.map(({ timings }) => timings.tokens_per_second!));
    row["first token, ms"] = fixed(median(one.map(({ timings }) => timings.first_token_ms!)), 0);
    row["the first answer, tok/s"] = fixed(first.timings.tokens_per_second!, 1);
    row["one answer, tok/s"] = fixed(rate, 1);
    row["ms per token"] = fixed(1000 / rate, 2);
    const inStages = (part: "compute_ms" | "hop_ms") =>
      median(one.map(({ timings }) => sum(timings.stages.map((stage) => stage[part]))));
    row["computed, ms"] = fixed(inStages("compute_ms"), 2);
    row["between stages, ms"] = fixed(inStages("hop_ms"), 2);
    row["on GPUs, ms"] = fixed(await gpuMs(api, answer), 2);
    row["predicted, ms"] = fixed(await predictedMs(api), 2);
    for (const together of TOGETHER) {
      const began = performance.now();
      const answers = await Promise.all(Array.from({ length: together }, answer));
      const tokens = sum(answers.map((one) => one.tokens));
      row[`${together} answers, tok/s in total`] = fixed(
        (tokens * 1000) / (performance.now() - began),
        1,
      );
    }
    return row;
  } finally {
    await Promise.allSettled(tabs.map((tab) => tab.close()));
    await server.close();
  }
}

/**
 * The GPUs' work for a token in all stages: the part of the time that each is busy by its timestamps,
 * while answers follow each other. NaN for adapters without timestamps.
 */
async function gpuMs(api: RoomApi, answer: () => Promise<Answer>): Promise<number> {
  let tokens = 0;
  const start = performance.now();
  while (performance.now() < start + BUSY_MS) tokens += (await answer()).tokens;
  const tokenMs = (performance.now() - start) / tokens;
  const { members } = await api.get<{ members: readonly Busy[] }>("/api/state");
  const busy = members.map(({ device }) =>
    device?.busySource === "timestamps" ? device.busyFraction : NaN,
  );
  return tokenMs * sum(busy);
}

type Busy = {
  readonly device: { readonly busyFraction: number; readonly busySource?: string } | null;
};

type Preview = {
  readonly candidates: readonly {
    readonly origins: readonly { readonly kind: string }[];
    readonly predictedMsPerToken: number | null;
    readonly stages: readonly { readonly end: number }[];
  }[];
};

const preview = (api: RoomApi) => api.get<Preview>(`/api/placements/preview?model=${model}`);

async function layerCount(api: RoomApi): Promise<number> {
  const layers = (await preview(api)).candidates[0]?.stages.at(-1)?.end;
  if (layers === undefined) throw new Error(`the room cannot place ${model}`);
  return layers;
}

/** What the coordinator now predicts for this placement, corrected by the laps it has seen. */
async function predictedMs(api: RoomApi): Promise<number> {
  const current = (await preview(api)).candidates.find(({ origins }) =>
    origins.some(({ kind }) => kind === "current"),
  );
  return current?.predictedMsPerToken ?? NaN;
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
const fixed = (value: number, digits: number) => value.toFixed(digits);

const rows: Row[] = [];
for (const count of String(values.tabs ?? "1,2,3")
  .split(",")
  .map(Number)) {
  rows.push(await measure(count));
}
console.table(rows);
process.exit();
