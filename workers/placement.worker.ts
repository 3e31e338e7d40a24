/** The thread of the placement solver. src/placement/solver/service.ts has its interface. */
import { expose } from "comlink";
import { placementService } from "../src/placement/index.ts";

const service = placementService(() => performance.now());
service.warmUp();
expose(service);
