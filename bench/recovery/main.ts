/**
 * `npm run bench -- recovery [--quick] [--json]`: how long a room of real tabs needs to notice and to
 * survive a loss in the middle of an answer, with the bounds beside it. Three tabs compute, each in its
 * own Chromium; a fourth only asks, and writes down when it has learned what. `--quick` runs the losses
 * of stages only.
 */
import { printRows, type Row } from "../room/rows.ts";
import { BenchRoom } from "../room/bench-room.ts";
import { SCENARIOS, type Crew } from "./scenarios.ts";

const flags = process.argv.slice(2);
const quick = flags.includes("--quick");
const say = (line: string) => console.error(`  ${line}`);

const rows: Row[] = [];
for (const scenario of SCENARIOS) {
  if (quick && !scenario.quick) continue;
  say(scenario.name);
  const room = await BenchRoom.open("RECTAB");
  try {
    const coordinator = await room.compute("one");
    const [second, third] = await Promise.all([room.compute("two"), room.compute("three")]);
    const watcher = await room.watch("watcher");
    const crew: Crew = { room, watcher, coordinator, second, third };
    rows.push(...(await scenario.run(crew)));
  } catch (error) {
    const note = `failed: ${error instanceof Error ? error.message : String(error)}`;
    rows.push({ what: scenario.name, value: NaN, unit: "ms", bound: 0, note });
  } finally {
    for (const line of room.errors.slice(0, 3)) say(line);
    await room.close();
  }
}
printRows("recovery", rows, flags.includes("--json"));
// PeerServer starts timers that it cannot stop.
process.exit();
