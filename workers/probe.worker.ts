/** Thread of the probe: see src/probe/types.ts for what it offers. */
import { expose } from "comlink";
import { identify, probeAdapter, type ProbeWorker } from "../src/probe/index.ts";

expose({ identify, probe: probeAdapter } satisfies ProbeWorker);
