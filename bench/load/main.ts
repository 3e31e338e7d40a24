/**
 * `npm run bench -- load [--model=FILE] [--page=BUILD] [--disguised]`: how long a user waits for a model from
 * a server on this machine, and then, in a new browser with the same profile, for the same model from the
 * disk; in the built page, all layers in one tab. A profile, since private windows keep their files in the
 * memory of the browser.
 *
 * Also the CPU time of each thread until everything is uploaded, because the busiest one bounds the speed where
 * there are enough cores. On fewer, `--disguised` starts the threads that 16 cores and a GPU would get, and
 * ends when everything is uploaded: kernels for a GPU compile too long on a software adapter.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { disguisedPage } from "../../tools/browsers/hardware-disguise.ts";
import { openMachine } from "../../tools/browsers/machine.ts";
import { RoomApi } from "../../tools/room/room-api.ts";
import { BUILT_PAGE, JOIN_TIMEOUT_MS } from "../../tools/room/e2e-room.ts";
import { threadRows, threadTimes } from "./threads.ts";

const { values } = parseArgs({
  strict: false,
  options: { model: { type: "string" }, page: { type: "string" }, disguised: { type: "boolean" } },
});
const built = String(values.page ?? BUILT_PAGE);
const file = resolve(String(values.model ?? "models/SmolLM2-135M-Instruct.Q4_1.gguf"));
const model = basename(file, ".gguf");
const fileBytes = statSync(file).size;
const SAMPLE_MS = 200;
const SERVER = join(import.meta.dirname, "server.ts");

const profile = await mkdtemp(join(tmpdir(), "tabmesh-load-"));
const page =
  values.disguised === true
    ? await disguisedPage(built, "own")
    : { directory: built, remove: () => Promise.resolve() };
const options = { port: 0, page: page.directory, models: dirname(file), lanCertificate: null };
const server = fork(SERVER, [JSON.stringify(options)]);
const [address] = (await once(server, "message")) as [string];
const rows = [await load("the server", "BENCHA"), await load("the disk", "BENCHB")];
console.log(`${model}, ${(fileBytes / 1e9).toFixed(2)} GB`);
console.table(rows);
server.kill();
await page.remove();
await rm(profile, { recursive: true, force: true, maxRetries: 5 });
process.exit();

/** The seconds until each phase ended, and how much the tab's process and the browser's grew meanwhile. */
async function load(from: string, code: string) {
  const api = new RoomApi(address, code);
  const url = `${api.server}/?room=${code}&join`;
  const machine = await openMachine({ url, profile, onError: (line) => console.error(line) });
  try {
    const { members } = await api.waitForMembers(1, JOIN_TIMEOUT_MS);
    const seconds: Record<string, string> = {};
    const atStart = memoryBytes();
    let most = atStart;
    const start = performance.now();
    const elapsed = () => ((performance.now() - start) / 1000).toFixed(2);
    const isOurs = (command: string) =>
      [profile, "--type=", SERVER].some((word) => command.includes(word));
    const threadsAtStart = threadTimes(isOurs);
    let threads = threadsAtStart;
    let ready = false;
    const placed = api.place(model).finally(() => (ready = true));
    placed.catch(() => undefined); // it is awaited below, unless the load is not
    while (!ready) {
      const { shard } = (await api.state()).members.find(({ id }) => id === members[0]!.id)!;
      const phase = shard?.status === "loading" ? shard.phase : null;
      if (phase !== null) seconds[`${phase}, s`] = elapsed();
      if (phase === "downloading" || phase === "uploading") threads = threadTimes(isOurs);
      if (phase === "compiling" && threads !== threadsAtStart && values.disguised === true) break;
      most = Math.max(most, memoryBytes());
      await Promise.race([placed, new Promise((resolve) => setTimeout(resolve, SAMPLE_MS))]);
    }
    if (ready) await placed;
    console.log(`CPU time of threads from ${from}`);
    console.table(threadRows(threadsAtStart, threads, fileBytes));
    const gigabytesPerSecond = fileBytes / 1e6 / (performance.now() - start);
    return {
      from,
      ...seconds,
      "ready, s": elapsed(),
      "GB/s": gigabytesPerSecond.toFixed(2),
      "memory, MiB": Math.round((most - atStart) / 2 ** 20),
    };
  } finally {
    await machine.close();
  }
}

/** Of the browser's processes, less the GPU's, which holds the weights; NaN where there is no /proc. */
function memoryBytes(): number {
  if (!existsSync("/proc")) return NaN;
  let total = 0;
  for (const process of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${process}/cmdline`, "utf8");
      if (!command.includes(profile) && !command.includes("--type=renderer")) continue;
      if (command.includes("--type=gpu-process")) continue;
      total +=
        Number(/RssAnon:\s*(\d+)/.exec(readFileSync(`/proc/${process}/status`, "utf8"))?.[1]) *
        1024;
    } catch {
      continue; // it has ended
    }
  }
  return total;
}
