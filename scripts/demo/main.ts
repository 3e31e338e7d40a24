/**
 * `npm run demo`: starts the server, two Chromium tabs in separate processes, and one Firefox tab,
 * places a model over all three, and asks one question.
 */
import { join } from "node:path";
import { openServer } from "../../server/server.ts";
import { RoomApi, type ApiState } from "../../tools/room/room-api.ts";
import { openChromiumTab, openFirefoxTab, type Tab } from "../../tools/browsers/tabs.ts";
import { ask } from "../../tools/room/ask.ts";
import { placementLines, timingLines } from "./report.ts";
import { splitLayers } from "../../tools/room/split-layers.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const ROOM = "DEMTAB";
const MODEL = "SmolLM2-135M-Instruct.Q4_1";
/** The default model is small; this it answers correctly, and to the end, when it decodes greedily. */
const QUESTION = "List the seven days of the week.";

/** Three browsers start, measure their adapters, and connect on what may be two cores. */
const JOIN_TIMEOUT_MS = 120_000;

/** Each tab holds at least this many layers, however slow it is. */
const MIN_LAYERS = 4;

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
    for (const { name, adapter } of joined.members) {
      console.log(`  ${name}: ${adapter?.browser}, ${adapter?.vendor} ${adapter?.architecture}`);
    }
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
  if (layers === undefined) throw new Error("the room cannot place the model");
  const workers = members.flatMap(({ id, measurements }) =>
    measurements === null ? [] : [{ member: id, speed: measurements.matVecMacsPerMs }],
  );
  await api.place(MODEL, splitLayers(layers, workers, MIN_LAYERS));
}

await main();
// PeerServer starts timers that it cannot stop; they would keep this process alive.
process.exit();
