/** Before a merge: an NVIDIA card with the default limits of WebGPU. Its other limits: hardware.full.e2e.ts. */
import { hardwareTest } from "../../tools/room/e2e-hardware.ts";

hardwareTest("default");
