/**
 * `npm run bench -- recovery [--only=TEXT] [--json]`: how long a room of real tabs needs to notice and to
 * survive a loss in the middle of an answer, with the bounds beside it. Three tabs compute, each in its
 * own Chromium; a fourth only asks, and writes down when it has learned what. `--only` runs the losses
 * whose names contain the text.
 */
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { printRows, type Row } from "./rows.ts";
import { BenchRoom } from "./bench-room.ts";
import { SCENARIOS, type Crew } from "./scenarios.ts";

const { values } = parseArgs({
  strict: false,
  options: { only: { type: "string", default: "" }, json: { type: "boolean" } },
});
const only = String(values.only);
const say = (line: string) => console.error(`  ${line}`);

const rows: Row[] = [];
for (const scenario of SCENARIOS) {
  if (!scenario.name.includes(only)) continue;
  say(scenario.name);
  const room = await BenchRoom.open("RECTAB");
  try {
    const coordinator = await room.compute("one");
    const [second, third] = await Promise.all([room.compute("two"), room.compute("three")]);
    const watcher = await room.watch("watcher");
    await room.useFloats(coordinator);
    const crew: Crew = { room, watcher, coordinator, second, third };
    rows.push(...(await scenario.run(crew)));
  } catch (error) {
    const note = `failed: ${error instanceof Error ? error.message : String(error)}`;
    rows.push({ what: scenario.name, value: NaN, unit: "ms", bound: 0, note });
  } finally {
    for (const { what, value } of rows.slice(-3)) say(`  ${what}: ${value}`);
    for (const line of room.errors.slice(0, 3)) say(line);
    await room.close();
  }
}
printRows("recovery", rows, values.json === true);
say(`load average ${loadavg()[0]!.toFixed(1)} on ${cpus().length} cores`);
// PeerServer starts timers that it cannot stop.
process.exit();
