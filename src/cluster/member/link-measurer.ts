/**
 * Measures the links from this tab to the other members that compute, one at a time,
 * with a payload of the size of a model's hidden state.
 */
import type { Link, MemberId } from "../../shared/index.ts";
import type { MemberParts } from "../membership/room-access.ts";

/** Before a model is known: a hidden state of 1,152 numbers, as small models have. */
const DEFAULT_PAYLOAD_BYTES = 4608;
/** A member that could not be reached is not tried again before this time. */
const RETRY_MS = 10_000;

/** From now on, for as long as this tab is in the room. */
export function measureLinks({ room, stage, linkFrames, clock }: MemberParts): void {
  const failedAtMs = new Map<MemberId, number>();
  let running = false;

  const payloadBytes = () => {
    const { placement, models } = room.state;
    const hidden = (placement?.model ?? models.at(-1))?.hidden;
    return hidden === undefined ? DEFAULT_PAYLOAD_BYTES : hidden * Float32Array.BYTES_PER_ELEMENT;
  };

  /** The next member to which this tab has not measured a link with the current payload. */
  const next = (): MemberId | null => {
    const { state, self } = room;
    if (room.connection !== "connected") return null;
    if (!state.members.find(({ id }) => id === self)?.adapter) return null;
    const bytes = payloadBytes();
    const isMeasured = ({ from, to, ...link }: Link, peer: MemberId) =>
      from === self && to === peer && link.payloadBytes === bytes && link.drifted !== true;
    const missing = state.members.find(
      ({ id, adapter }) =>
        id !== self &&
        adapter &&
        clock.nowMs() - (failedAtMs.get(id) ?? -Infinity) > RETRY_MS &&
        !state.links.some((link) => isMeasured(link, id)),
    );
    return missing?.id ?? null;
  };

  const measure = async (peer: MemberId) => {
    const bytes = payloadBytes();
    try {
      await linkFrames(peer);
      const measured = await stage.measureLink(peer, bytes);
      const measuredAtMs = clock.nowMs();
      const ends = { from: room.self, to: peer };
      const link: Link = { ...ends, ...measured, payloadBytes: bytes, measuredAtMs };
      await room.dispatch({ type: "report_links", links: [link] });
      failedAtMs.delete(peer);
    } catch {
      // The link stays unmeasured, and a placement treats it so. A later change tries again.
      failedAtMs.set(peer, clock.nowMs());
    }
  };

  const measureAll = async () => {
    if (running) return;
    running = true;
    for (let peer = next(); peer; peer = next()) await measure(peer);
    running = false;
  };

  room.subscribe(() => void measureAll());
  void measureAll();
}
