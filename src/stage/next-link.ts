/** The time to the next stage, for `hopTimes`: measured in the background whenever the next stage changes. */
import type { MemberId } from "../shared/index.ts";
import type { PipelinePosition } from "./pipeline-position.ts";

/** The payload of the pings: the hidden row of a small model. */
const PING_BYTES = 4096;

type Ping = (peer: MemberId, payloadBytes: number, echo: boolean) => Promise<number>;

export class NextLink {
  readonly #ping: Ping;
  readonly #linkMs = new Map<MemberId, number>();

  constructor(ping: Ping) {
    this.#ping = ping;
  }

  /** Half a round trip to `peer`, 0 while unknown. */
  ms(peer: MemberId): number {
    return this.#linkMs.get(peer) ?? 0;
  }

  forget(peer: MemberId): void {
    this.#linkMs.delete(peer);
  }

  measure(position: PipelinePosition | null): void {
    if (position === null || position.index < 0) return;
    const peer = position.next ?? position.first;
    if (peer === position.self) return;
    const ping = () => this.#ping(peer, PING_BYTES, true);
    ping()
      .then(ping) // the first ping wakes up the link
      .then((roundTripMs) => this.#linkMs.set(peer, roundTripMs / 2))
      .catch(() => undefined); // no channel yet, or it broke: the hops get equal parts
  }
}
