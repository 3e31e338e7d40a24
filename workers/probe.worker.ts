/** Thread of the probe: see src/probe/types.ts for what it offers. */
import { expose } from "comlink";
import { identify } from "../src/probe/describe-adapter.ts";
import { probeAdapter } from "../src/probe/probe.ts";
import type { ProbeWorker } from "../src/probe/types.ts";

expose({ identify, probe: probeAdapter } satisfies ProbeWorker);
