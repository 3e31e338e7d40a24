/**
 * `npm run demo`: the server, two Chromium tabs in processes of their own and one
 * Firefox tab; a model placed over all three; one question.
 */
import { join } from "node:path";
import { openServer } from "../../server/server.ts";
import { RoomApi, type ApiState } from "../../tools/room/room-api.ts";
import { openChromiumTab, openFirefoxTab, type Tab } from "../../tools/browsers/tabs.ts";
import { ask } from "./ask.ts";
import { placementLines, timingLines } from "./report.ts";
import { splitLayers } from "./split-layers.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const ROOM = "DEMTAB";
const MODEL = "SmolLM2-135M-Instruct.Q4_1";
const QUESTION = "What is the capital of France?";

/** Three browsers start, probe and meet on what may be two cores. */
const JOIN_TIMEOUT_MS = 120_000;

/** Each tab holds so many layers at least, however slow it is. */
const LEAST_LAYERS = 4;

type Preview = { readonly candidates: readonly { readonly stages: readonly { end: number }[] }[] };

async function main(): Promise<void> {
  const server = await openServer({
    port: 0,
    page: join(ROOT, "dist"),
    models: join(ROOT, "models"),
    lanCertificate: null,
  });
  const tabs: Tab[] = [];
  try {
    const address = server.addresses[0]!;
    console.log(`${address}/?room=${ROOM}`);
    const url = `${address}/?room=${ROOM}&join`;
    const onError = (line: string) => console.error(line);
    tabs.push(await openChromiumTab({ url, onError }));
    const api = new RoomApi(address, ROOM);
    await api.waitForMembers(1, JOIN_TIMEOUT_MS);
    tabs.push(await openChromiumTab({ url, onError }), await openFirefoxTab({ url, onError }));
    const joined = await api.waitForMembers(3, JOIN_TIMEOUT_MS);
    for (const { name, adapter } of joined.members) console.log(`  ${name}: ${adapter?.browser}`);
    await placeOnAll(api, joined);
    console.log(`\nPlacement of ${MODEL}`);
    for (const line of placementLines(await api.state())) console.log(line);
    console.log(`\n${QUESTION}`);
    const answer = await ask(api, MODEL, QUESTION, (text) => process.stdout.write(text));
    console.log("\n");
    for (const line of timingLines(answer)) console.log(line);
  } finally {
    await Promise.allSettled(tabs.map((tab) => tab.close()));
    await server.close();
  }
}

/** Layers on each member, in proportion to the mat-vec rate that its probe measured. */
async function placeOnAll(api: RoomApi, { members }: ApiState): Promise<void> {
  const preview = await api.get<Preview>(`/api/placements/preview?model=${MODEL}`);
  const layers = preview.candidates[0]?.stages.at(-1)?.end;
  if (layers === undefined) throw new Error("the room sees no way to place the model");
  const workers = members.flatMap(({ id, measurements }) =>
    measurements === null ? [] : [{ member: id, speed: measurements.matVecMacsPerMs }],
  );
  await api.place(MODEL, splitLayers(layers, workers, LEAST_LAYERS));
}

await main();
// The signalling package has timers that it does not give out, and they would keep us running.
process.exit();
