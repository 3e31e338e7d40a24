/**
 * `npm run fuzz [-- DECODER ...] [--count N] [--seed S]`: feeds decoders seeded inputs until one is
 * handled badly. Without a name: every decoder, 10^7 inputs each.
 */
import { parseArgs } from "node:util";
import { describeFinding, fuzz, type Finding } from "../../tools/fuzz/fuzz.ts";
import { BYTE_TARGETS, TEXT_TARGETS } from "../../test/fuzz/targets/index.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { count: { type: "string", default: "10000000" }, seed: { type: "string" } },
});
const count = Number(values.count);
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
if (!Number.isSafeInteger(count) || count < 1) throw new Error(`--count ${values.count}`);
if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`--seed ${values.seed}`);

const runs = new Map([
  ...BYTE_TARGETS.map((target) => [target.name, () => fuzz(target, options(target.name))] as const),
  ...TEXT_TARGETS.map((target) => [target.name, () => fuzz(target, options(target.name))] as const),
]);
const unknown = positionals.filter((name) => !runs.has(name));
if (unknown.length > 0) {
  console.error(
    `No decoder is named ${unknown.join(", ")}. There are: ${[...runs.keys()].join(", ")}`,
  );
  process.exit(1);
}
for (const [name, run] of runs) {
  if (positionals.length === 0 || positionals.includes(name)) await report(name, run());
}

function options(name: string) {
  const onProgress = (done: number) => {
    if (process.stdout.isTTY) process.stdout.write(`\r${name} ${done} `);
  };
  return { count, seed, onProgress };
}

async function report(name: string, running: Promise<Finding | null>): Promise<void> {
  const started = performance.now();
  const found = await running;
  if (found === null) {
    const seconds = (performance.now() - started) / 1000;
    console.log(`\r${name}: ${count} inputs from seed ${seed} in ${seconds.toFixed(1)} s`);
    return;
  }
  console.log(`\r${describeFinding(found)}`);
  process.exitCode = 1;
}
