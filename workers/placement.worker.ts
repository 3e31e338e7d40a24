/** Thread of the placement solver: see src/placement/service.ts for what it offers. */
import { expose } from "comlink";
import { placementService } from "../src/placement/index.ts";

const service = placementService(() => performance.now());
service.warmUp();
expose(service);
