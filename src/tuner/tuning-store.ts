/**
 * Measurements of a device, stored for the next shard, and in the browser's database for the next
 * page, by adapter, browser version and shapes. A browser that stores nothing measures again.
 */
import { del, get, set } from "idb-keyval";
import { z } from "zod";
import {
  CHUNK_ROWS,
  type ChunkRows,
  type DeviceTraits,
  FLOAT16_UNPACKS,
  matCandidates,
  shaderFeatures,
  type ShaderFeatures,
  variantName,
  type Workload,
} from "../kernels/index.ts";
import { isFresh } from "../shared/index.ts";
import type { MatJob } from "./mat-bench.ts";
import type { TunedWorkload } from "./tune-mat.ts";

/** Raise it when a kernel, a candidate or the entry changes: older timings then do not compare. */
const TUNING_VERSION = 9;

const KEY = "tabmesh.tuning";

const Entry = z.strictObject({
  fingerprint: z.string(),
  /** Of the oldest measurement. */
  measuredAtMs: z.number(),
  traits: z.strictObject({
    lowParallelism: z.boolean(),
    float16Unpack: z.enum(FLOAT16_UNPACKS),
  }),
  /** By `workloadKey`; variants by name. */
  workloads: z.record(
    z.string(),
    z.strictObject({
      timings: z.array(z.strictObject({ variant: z.string(), macsPerMs: z.number().positive() })),
      rejected: z.array(z.string()),
    }),
  ),
  /** Rows of a prompt's chunk, by shape. */
  chunks: z.record(z.string(), z.literal(CHUNK_ROWS)),
});
type Entry = z.infer<typeof Entry>;

export class TuningStore {
  traits: DeviceTraits | null;
  readonly chunks: Map<string, ChunkRows>;
  readonly #workloads: Map<string, Entry["workloads"][string]>;
  readonly #fingerprint: string;
  readonly #measuredAtMs: number;
  readonly #features: ShaderFeatures;

  private constructor(fingerprint: string, features: ShaderFeatures, stored: Entry | null) {
    this.#fingerprint = fingerprint;
    this.#measuredAtMs = stored?.measuredAtMs ?? Date.now();
    this.#features = features;
    this.traits = stored?.traits ?? null;
    this.chunks = new Map(Object.entries(stored?.chunks ?? {}));
    this.#workloads = new Map(Object.entries(stored?.workloads ?? {}));
  }

  /** One for each device. */
  static of(device: GPUDevice): Promise<TuningStore> {
    const known = stores.get(device) ?? TuningStore.#open(device);
    stores.set(device, known);
    return known;
  }

  static async #open(device: GPUDevice): Promise<TuningStore> {
    const fingerprint = fingerprintOf(device);
    return new TuningStore(fingerprint, shaderFeatures(device), await readEntry(fingerprint));
  }

  find(job: MatJob, workload: Workload): TunedWorkload | null {
    const entry = this.#workloads.get(workloadKey(job, workload));
    if (entry === undefined || this.traits === null) return null;
    const { activations, format } = job;
    const { lowParallelism } = this.traits;
    const candidates = matCandidates(workload, activations, this.#features, lowParallelism, format);
    const timings = timingsOf(entry.timings, candidates, variantName);
    return timings && { winner: timings[0].variant, timings, rejected: entry.rejected };
  }

  /** Results without timings are not stored: the next load measures what this one did not reach. */
  add(job: MatJob, workload: Workload, { timings, rejected }: TunedWorkload): void {
    if (timings.length === 0) return;
    this.#workloads.set(workloadKey(job, workload), {
      timings: timings.map(({ variant, macsPerMs }) => ({
        variant: variantName(variant),
        macsPerMs,
      })),
      rejected: [...rejected],
    });
  }

  /** Writes everything for the next page. */
  async save(): Promise<void> {
    if (this.traits === null) return;
    const entry: Entry = {
      fingerprint: this.#fingerprint,
      measuredAtMs: this.#measuredAtMs,
      traits: this.traits,
      workloads: Object.fromEntries(this.#workloads),
      chunks: Object.fromEntries(this.chunks),
    };
    await orNothing(() => set(KEY, entry));
  }
}

const stores = new WeakMap<GPUDevice, Promise<TuningStore>>();

/** Deletes the stored measurements. */
export async function forgetTuning(): Promise<void> {
  await orNothing(() => del(KEY));
}

const workloadKey = ({ format, activations, rows, columns }: MatJob, workload: Workload) =>
  `${format} ${activations} ${rows}x${columns} ${workload}`;

/** Null if there are none, or if a variant is no longer a candidate. */
function timingsOf<Variant, Timing extends { readonly variant: string }>(
  timings: readonly Timing[],
  candidates: readonly Variant[],
  nameOf: (variant: Variant) => string,
): [Named<Variant, Timing>, ...Named<Variant, Timing>[]] | null {
  const found = timings.flatMap((timing) => {
    const variant = candidates.find((candidate) => nameOf(candidate) === timing.variant);
    return variant === undefined ? [] : [{ ...timing, variant }];
  });
  const [fastest, ...others] = found;
  return fastest === undefined || found.length < timings.length ? null : [fastest, ...others];
}

/** A timing with the variant itself in place of its name. */
type Named<Variant, Timing> = Omit<Timing, "variant"> & { readonly variant: Variant };

function fingerprintOf(device: GPUDevice): string {
  const { vendor, architecture, device: name, description } = device.adapterInfo;
  return JSON.stringify([
    TUNING_VERSION,
    navigator.userAgent,
    { vendor, architecture, name, description },
    [...device.features].sort(),
  ]);
}

async function readEntry(fingerprint: string): Promise<Entry | null> {
  const { data } = Entry.safeParse(await orNothing(() => get<unknown>(KEY)));
  if (data?.fingerprint !== fingerprint) return null;
  return isFresh(data.measuredAtMs, Date.now()) ? data : null;
}

/** A private window may have no database, and a disk may be full. */
async function orNothing<T>(work: () => Promise<T>): Promise<T | null> {
  if (!("indexedDB" in globalThis)) return null;
  try {
    return await work();
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}
