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

/**
 * Returns a function that links a peer: it resolves once frames go to the peer and come back, and rejects
 * with a `MeshError`.
 */
export function frameLinks(parts: FrameLinksParts): (peer: MemberId) => Promise<void> {
  const { self, clock, connect, renew, ready } = parts;
  const linking = new Map<MemberId, Promise<void>>();
  const works = (peer: MemberId) =>
    ready(peer).then(
      () => true,
      () => false,
    );
  const link = async (peer: MemberId) => {
    await connect(peer);
    if (await works(peer)) return;
    if (self > peer) {
      await sleep(clock, OTHER_FIRST_MS);
      if (await works(peer)) return;
    }
    renew(peer);
    await ready(peer);
  };
  return (peer) => {
    const running = linking.get(peer) ?? link(peer).finally(() => linking.delete(peer));
    linking.set(peer, running);
    return running;
  };
}
