/** The thread of the probe. src/probe/types.ts has its interface. */
import { expose } from "comlink";
import { identify, probeAdapter, type ProbeWorker } from "../src/probe/index.ts";

expose({ identify, probe: probeAdapter } satisfies ProbeWorker);
