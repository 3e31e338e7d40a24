/**
 * Packs weights in threads of their own: it takes 1 to 2 ns per byte, and the thread that uploads them
 * needs one more. Each runs the script of the thread that starts it.
 */
import * as Comlink from "comlink";
import { type PackedRows, packRows } from "../kernels/index.ts";
import { ThreadPool, untilError } from "../shared/index.ts";

/** As `packRows`; with the sources' bytes unchanged. */
export type Pack = (...rows: Parameters<typeof packRows>) => PackedRows | Promise<PackedRows>;

/** Two keep up with one thread that uploads. */
const MAX_THREADS = 3;
const CORES_PER_THREAD = 4;

/** What the script of a packing thread offers. */
export const servedPacking = {
  pack(...rows: Parameters<typeof packRows>): PackedRows {
    const packed = packRows(...rows);
    return Comlink.transfer(packed, [packed.quants.buffer, packed.meta.buffer]);
  },
};

/** Threads for one load on a machine of `cores`: none on three or less. */
export function packThreads(cores: number): { readonly pack: Pack; close(): void } {
  const workers: Worker[] = [];
  const pool = new ThreadPool(Math.min(MAX_THREADS, Math.floor(cores / CORES_PER_THREAD)), () => {
    const worker = new Worker(self.location.href, { type: "module" });
    workers.push(worker);
    return { remote: Comlink.wrap<typeof servedPacking>(worker), orDeath: untilError(worker) };
  });
  return {
    pack(...rows) {
      if (pool.isEmpty) return packRows(...rows);
      const packed = pool.run(({ remote, orDeath }) => orDeath(remote.pack(...rows)));
      return packed.catch(() => packRows(...rows)); // the thread has failed
    },
    close() {
      for (const worker of workers) worker.terminate();
    },
  };
}
