/**
 * Makes frames go from this tab's stage to a peer and back: connects, and replaces a frames channel that
 * does not work over a connection that does.
 */
import { type Clock, type MemberId, sleep } from "../shared/index.ts";

export type FrameLinksParts = {
  readonly self: MemberId;
  readonly clock: Clock;
  readonly connect: (peer: MemberId) => Promise<void>;
  /** Replaces the channel on both sides. */
  readonly renew: (peer: MemberId) => void;
  /** Resolves when a frame has gone to the peer and back. Rejects if none comes. */
  readonly ready: (peer: MemberId) => Promise<void>;
};

/** Both ends notice a closed channel. The one with the smaller id replaces it, and the other one if it does not. */
const OTHER_FIRST_MS = 500;

export class FrameLinks {
  readonly #parts: FrameLinksParts;
  readonly #linking = new Map<MemberId, Promise<void>>();

  constructor(parts: FrameLinksParts) {
    this.#parts = parts;
  }

  /** Resolves once frames go to `peer` and come back. Rejects with a `MeshError`. */
  link(peer: MemberId): Promise<void> {
    const running = this.#linking.get(peer);
    if (running) return running;
    const link = this.#link(peer).finally(() => this.#linking.delete(peer));
    this.#linking.set(peer, link);
    return link;
  }

  async #link(peer: MemberId): Promise<void> {
    const { self, clock, connect, renew, ready } = this.#parts;
    await connect(peer);
    if (await this.#works(peer)) return;
    if (self > peer) {
      await sleep(clock, OTHER_FIRST_MS);
      if (await this.#works(peer)) return;
    }
    renew(peer);
    await ready(peer);
  }

  #works(peer: MemberId): Promise<boolean> {
    return this.#parts.ready(peer).then(
      () => true,
      () => false,
    );
  }
}
