/** An NVIDIA card with the limits of the adapter that computes for it. */
import { hardwareTest } from "../../tools/room/e2e-hardware.ts";

hardwareTest("own");
