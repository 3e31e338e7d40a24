/** A lane in another thread, which runs the script of the thread that starts it: its `lane` is a `LaneService`. */
import * as Comlink from "comlink";
import { untilError } from "../shared/index.ts";
import { type Lane, Lanes } from "./lanes.ts";

/** One core for the caller and one for the GPU's thread; browsers open six connections to a server. */
const OWN_CORES = 2;
const MAX_LANES = 6;

/** None on two cores, where they would only take turns. */
export function lanesOf({ hardwareConcurrency }: Navigator): Lanes {
  const count = Math.min(MAX_LANES, Math.max(0, hardwareConcurrency - OWN_CORES));
  return new Lanes(count, startLane);
}

function startLane(): Lane {
  const worker = new Worker(self.location.href, { type: "module" });
  const { lane } = Comlink.wrap<{ readonly lane: Lane & Comlink.ProxyMarked }>(worker);
  const orDeath = untilError(worker);
  return {
    fetch: (remote, offset, length, onNotice, file) =>
      orDeath(lane.fetch(remote, offset, length, Comlink.proxy(onNotice), file)),
    read: (...range) => orDeath(lane.read(...range)),
  };
}
