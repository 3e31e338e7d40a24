/** A lane across threads: bytes are transferred. Each lane runs the script of the thread that starts it. */
import * as Comlink from "comlink";
import { untilError } from "../shared/index.ts";
import { type Lane, Lanes, type LaneService } from "./lanes.ts";

/** One core for the caller and one for the GPU's thread; browsers open six connections to a server. */
const OWN_CORES = 2;
const MAX_LANES = 6;

/** None on two cores, where they would only take turns. */
export function lanesOf({ hardwareConcurrency }: Navigator): Lanes {
  const count = Math.min(MAX_LANES, Math.max(0, hardwareConcurrency - OWN_CORES));
  return new Lanes(count, startLane);
}

export function servedLane(service: LaneService) {
  return {
    async laneFetch(...range: Parameters<Lane["fetch"]>) {
      const fetched = await service.fetch(...range);
      return Comlink.transfer(fetched, fetched.bytes === null ? [] : [fetched.bytes.buffer]);
    },
    async laneRead(...range: Parameters<Lane["read"]>) {
      const bytes = await service.read(...range);
      return bytes && Comlink.transfer(bytes, [bytes.buffer]);
    },
  };
}

function startLane(): Lane {
  const worker = new Worker(self.location.href, { type: "module" });
  const remote = Comlink.wrap<ReturnType<typeof servedLane>>(worker);
  const orDeath = untilError(worker);
  return {
    fetch: (remoteFile, offset, length, onNotice, file) =>
      orDeath(remote.laneFetch(remoteFile, offset, length, Comlink.proxy(onNotice), file)),
    read: (file, offset, length) => orDeath(remote.laneRead(file, offset, length)),
  };
}
