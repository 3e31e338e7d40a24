/** The probe's results, and the interface of its worker. All values can be cloned. */
import type { Adapter, Measurements, NoAdapter } from "../shared/index.ts";

export type ProbeResult =
  | { readonly adapter: Adapter; readonly noAdapter: null; readonly measurements: Measurements }
  | { readonly adapter: null; readonly noAdapter: NoAdapter; readonly measurements: null };

/** What the adapter is; known immediately, while measuring takes a second or two. */
export type Identity =
  | { readonly adapter: Adapter; readonly noAdapter: null }
  | { readonly adapter: null; readonly noAdapter: NoAdapter };

export type ProbeProgress = {
  /** The current benchmark. */
  readonly label: string;
  /** 0 to 1. */
  readonly fraction: number;
};

/** The probe's worker (Comlink). */
export type ProbeWorker = {
  identify(): Promise<Identity>;
  /** Identifies and measures; never rejects for a missing or lost adapter. */
  probe(onProgress: (progress: ProbeProgress) => void): Promise<ProbeResult>;
};
