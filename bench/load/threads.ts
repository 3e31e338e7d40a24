/** The CPU time of each thread of a browser and of this process; empty where there is no Linux /proc. */
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** `ran` and `waited` (for a core) are in ns. */
type Thread = { readonly name: string; readonly ran: number; readonly waited: number };

/** By thread id, of the processes whose command line `isOurs` accepts, and of this one. */
export function threadTimes(isOurs: (command: string) => boolean): ReadonlyMap<string, Thread> {
  const threads = new Map<string, Thread>();
  if (!existsSync("/proc/self/task")) return threads;
  for (const process of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${process}/cmdline`, "utf8");
      const isThis = process === String(globalThis.process.pid);
      if (!isThis && !isOurs(command)) continue;
      const [, type, server] = /--type=([a-z]+)|load.(server).ts/.exec(command) ?? [];
      const kind = isThis ? "bench" : (type ?? server ?? "browser");
      for (const id of readdirSync(`/proc/${process}/task`)) {
        const path = `/proc/${process}/task/${id}`;
        const [ran, waited] = readFileSync(`${path}/schedstat`, "utf8").split(" ").map(Number);
        const name = readFileSync(`${path}/comm`, "utf8").trim();
        threads.set(id, { name: `${kind} ${name} ${id}`, ran: ran!, waited: waited! });
      }
    } catch {
      continue; // it has ended
    }
  }
  return threads;
}

const LEAST_NS_PER_BYTE = 0.1;

/** Between two calls of `threadTimes`, in the order in which the threads started. */
export function threadRows(
  before: ReturnType<typeof threadTimes>,
  after: typeof before,
  bytes: number,
) {
  return [...after].flatMap(([id, { name, ran, waited }]) => {
    const nsPerByte = (ran - (before.get(id)?.ran ?? 0)) / bytes;
    if (nsPerByte < LEAST_NS_PER_BYTE) return [];
    const waitedNsPerByte = (waited - (before.get(id)?.waited ?? 0)) / bytes;
    return [
      {
        thread: name,
        "ns/byte": nsPerByte.toFixed(2),
        "waited for a core": waitedNsPerByte.toFixed(2),
      },
    ];
  });
}
