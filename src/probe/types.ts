/** What the probe tells, and how its worker is called. All values can be cloned. */
import type { Adapter, Measurements, NoAdapter } from "../shared/index.ts";

export type ProbeResult =
  | { readonly adapter: Adapter; readonly noAdapter: null; readonly measurements: Measurements }
  | { readonly adapter: null; readonly noAdapter: NoAdapter; readonly measurements: null };

/** What the adapter is; known at once, while measuring takes a second or two. */
export type Identity =
  | { readonly adapter: Adapter; readonly noAdapter: null }
  | { readonly adapter: null; readonly noAdapter: NoAdapter };

export type ProbeProgress = {
  /** What is being measured, in words. */
  readonly label: string;
  /** 0 to 1. */
  readonly fraction: number;
};

/** What the probe's worker offers (Comlink). */
export type ProbeWorker = {
  identify(): Promise<Identity>;
  /** Identifies and measures; never rejects for a missing or lost adapter. */
  probe(onProgress: (progress: ProbeProgress) => void): Promise<ProbeResult>;
};
