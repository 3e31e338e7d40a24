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
      const hashed = await service.fetch(...range);
      return Comlink.transfer(hashed, [hashed.bytes.buffer]);
    },
    laneWrite: service.write.bind(service),
    async laneRead(...part: Parameters<Lane["read"]>) {
      const bytes = await service.read(...part);
      return bytes && Comlink.transfer(bytes, [bytes.buffer]);
    },
  };
}

function startLane(): Lane {
  const worker = new Worker(self.location.href, { type: "module" });
  const remote = Comlink.wrap<ReturnType<typeof servedLane>>(worker);
  const orDeath = untilError(worker);
  return {
    fetch: (file, offset, length, onNotice) =>
      orDeath(remote.laneFetch(file, offset, length, Comlink.proxy(onNotice))),
    write(file, index, bytes, leaf) {
      const copy = bytes.slice(); // a view would take its whole buffer along
      return orDeath(remote.laneWrite(file, index, Comlink.transfer(copy, [copy.buffer]), leaf));
    },
    read: (file, index, from, to) => orDeath(remote.laneRead(file, index, from, to)),
  };
}
