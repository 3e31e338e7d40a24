/**
 * Packs weights in threads of their own: it takes 1 to 2 ns per byte, and the thread that uploads them
 * needs one more. Each runs the script of the thread that starts it.
 */
import * as Comlink from "comlink";
import { type PackedRows, packRows } from "../kernels/index.ts";
import type { BlockFormat } from "../tensor/index.ts";
import { free, ThreadPool, untilError } from "../shared/index.ts";

/** As `packRows`; takes the sources' bytes. */
export type Pack = (
  format: BlockFormat,
  columns: number,
  sources: readonly Uint8Array<ArrayBuffer>[],
) => PackedRows | Promise<PackedRows>;

/** Two keep up with one thread that uploads. */
const MAX_THREADS = 3;
const CORES_PER_THREAD = 4;

/** What the script of a packing thread offers. */
export const servedPacking = {
  pack(...rows: Parameters<Pack>): PackedRows {
    const packed = packRows(...rows);
    free(...rows[2]);
    return Comlink.transfer(packed, [packed.quants.buffer, packed.meta.buffer]);
  },
};

const isWhole = ({ buffer, byteLength }: Uint8Array) => buffer.byteLength === byteLength;

/** Threads for one load on a machine of `cores`: none on three or less. `pack` rejects if its thread fails. */
export function packThreads(cores: number): { readonly pack: Pack; close(): void } {
  const workers: Worker[] = [];
  const pool = new ThreadPool(Math.min(MAX_THREADS, Math.floor(cores / CORES_PER_THREAD)), () => {
    const worker = new Worker(self.location.href, { type: "module" });
    workers.push(worker);
    const remote = Comlink.wrap<typeof servedPacking>(worker);
    const orDeath = untilError(worker);
    const starts = orDeath(remote.pack("F32", 32, [new Uint8Array(128)])).then(() => true, () => false); // prettier-ignore
    return { remote, orDeath, starts };
  });
  return {
    pack(format, columns, sources) {
      if (pool.isEmpty) return packRows(format, columns, sources);
      return pool.run(async ({ remote, orDeath, starts }) => {
        if (!(await starts)) return packRows(format, columns, sources);
        // Cloned, they would take longer than packing them.
        const own = sources.map((bytes) => (isWhole(bytes) ? bytes : bytes.slice()));
        const moved = Comlink.transfer(own, own.map(({ buffer }) => buffer)); // prettier-ignore
        return orDeath(remote.pack(format, columns, moved));
      });
    },
    close() {
      for (const worker of workers) worker.terminate();
    },
  };
}
