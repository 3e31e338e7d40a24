/**
 * Measurements of a device, stored for the next shard, and in the browser's database for the next
 * page, by adapter, browser version and shapes. A browser that stores nothing measures again.
 */
import { del, get, set } from "idb-keyval";
import { z } from "zod";
import {
  type DeviceTraits,
  matCandidates,
  shaderFeatures,
  type ShaderFeatures,
  variantName,
} from "../kernels/index.ts";
import { isFresh } from "../shared/index.ts";
import type { Measured, Timing, TuneJob } from "./jobs.ts";

/** Raise it when a kernel, a candidate or the entry changes: older timings then do not compare. */
const TUNING_VERSION = 11;

const KEY = "tabmesh.tuning";

const Entry = z.strictObject({
  fingerprint: z.string(),
  /** Of the oldest measurement. */
  measuredAtMs: z.number(),
  traits: z.strictObject({ lowParallelism: z.boolean() }).nullable(),
  /** By `keyOf`; variants by name. */
  timings: z.record(
    z.string(),
    z.array(z.strictObject({ variant: z.string(), macsPerMs: z.number().positive() })),
  ),
});
type Entry = z.infer<typeof Entry>;

export class TuningStore {
  /** Null until they are measured. */
  traits: DeviceTraits | null;
  readonly #entry: Entry;
  readonly #features: ShaderFeatures;

  private constructor(features: ShaderFeatures, entry: Entry) {
    this.#features = features;
    this.#entry = entry;
    this.traits = entry.traits;
  }

  /** One for each device. */
  static of(device: GPUDevice): Promise<TuningStore> {
    const known = stores.get(device) ?? TuningStore.#open(device);
    stores.set(device, known);
    return known;
  }

  static async #open(device: GPUDevice): Promise<TuningStore> {
    return new TuningStore(shaderFeatures(device), await readEntry(fingerprintOf(device)));
  }

  /** Fastest first; empty if the job was not measured. */
  find(job: TuneJob): readonly Timing[] {
    if (this.traits === null) return [];
    const { workload, activations, format } = job;
    const { lowParallelism } = this.traits;
    const all = matCandidates(workload, activations, this.#features, lowParallelism, format);
    return (this.#entry.timings[keyOf(job)] ?? []).flatMap(({ variant: name, macsPerMs }) => {
      const variant = all.find((candidate) => variantName(candidate) === name);
      return variant === undefined ? [] : [{ variant, macsPerMs }];
    });
  }

  add({ job, timings }: Measured): void {
    this.#entry.timings[keyOf(job)] = timings.map(({ variant, macsPerMs }) => ({
      variant: variantName(variant),
      macsPerMs,
    }));
  }

  /** Writes everything for the next page. */
  async save(): Promise<void> {
    await orNothing(() => set(KEY, { ...this.#entry, traits: this.traits }));
  }
}

const stores = new WeakMap<GPUDevice, Promise<TuningStore>>();

/** Deletes the stored measurements. */
export async function forgetTuning(): Promise<void> {
  await orNothing(() => del(KEY));
}

const keyOf = ({ format, activations, rows, columns, workload }: TuneJob) =>
  `${format} ${activations} ${rows}x${columns} ${workload}`;

function fingerprintOf(device: GPUDevice): string {
  const { vendor, architecture, device: name, description } = device.adapterInfo;
  return JSON.stringify([
    TUNING_VERSION,
    navigator.userAgent,
    { vendor, architecture, name, description },
    [...device.features].sort(),
  ]);
}

/** The stored entry, or an empty one. */
async function readEntry(fingerprint: string): Promise<Entry> {
  const nowMs = Date.now();
  const { data } = Entry.safeParse(await orNothing(() => get<unknown>(KEY)));
  if (data?.fingerprint === fingerprint && isFresh(data.measuredAtMs, nowMs)) return data;
  return { fingerprint, measuredAtMs: nowMs, traits: null, timings: {} };
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
