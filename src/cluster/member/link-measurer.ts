/**
 * Measures the links from this tab to the other members that compute, one at a time,
 * with a payload of the size of a model's hidden state.
 */
import type { Clock, MemberId, Link, StagePort } from "../../shared/index.ts";
import type { RoomAccess } from "../membership/room-access.ts";

export type LinkMeasurerParts = {
  readonly room: RoomAccess;
  readonly stage: Pick<StagePort, "measureLink">;
  readonly linkFrames: (peer: MemberId) => Promise<void>;
  readonly clock: Clock;
};

/** Before a model is known: a hidden state of 1,152 numbers, as small models have. */
const DEFAULT_PAYLOAD_BYTES = 4608;
/** A member that could not be reached is not tried again before this time. */
const RETRY_MS = 10_000;

export class LinkMeasurer {
  readonly #parts: LinkMeasurerParts;
  readonly #failedAtMs = new Map<MemberId, number>();
  #running = false;

  constructor(parts: LinkMeasurerParts) {
    this.#parts = parts;
    parts.room.subscribe(({ event }) => {
      if (event === null || CAUSES.has(event.event.type)) void this.#measureAll();
    });
    void this.#measureAll();
  }

  async #measureAll(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      for (let peer = this.#next(); peer; peer = this.#next()) await this.#measure(peer);
    } finally {
      this.#running = false;
    }
  }

  async #measure(peer: MemberId): Promise<void> {
    const { room, stage, linkFrames, clock } = this.#parts;
    const payloadBytes = this.#payloadBytes();
    try {
      await linkFrames(peer);
      const measured = await stage.measureLink(peer, payloadBytes);
      const link: Link = {
        from: room.self,
        to: peer,
        roundTripMs: measured.roundTripMs,
        bytesPerMs: measured.bytesPerMs,
        payloadBytes,
        measuredAtMs: clock.nowMs(),
      };
      await room.command({ type: "report_links", links: [link] });
      this.#failedAtMs.delete(peer);
    } catch {
      // The link stays unmeasured, and a placement treats it so. A later change tries again.
      this.#failedAtMs.set(peer, clock.nowMs());
    }
  }

  /** The next member to which this tab has not measured a link with the current payload. */
  #next(): MemberId | null {
    const { room, clock } = this.#parts;
    const { state, self } = room;
    if (room.connection !== "connected") return null;
    if (!state.members.find(({ id }) => id === self)?.adapter) return null;
    const payloadBytes = this.#payloadBytes();
    const missing = state.members.find(
      ({ id, adapter }) =>
        id !== self &&
        adapter &&
        clock.nowMs() - (this.#failedAtMs.get(id) ?? -Infinity) > RETRY_MS &&
        !state.links.some(
          (link) =>
            link.from === self &&
            link.to === id &&
            link.payloadBytes === payloadBytes &&
            link.drifted !== true,
        ),
    );
    return missing?.id ?? null;
  }

  #payloadBytes(): number {
    const { placement, models } = this.#parts.room.state;
    const hidden = (placement?.model ?? models.at(-1))?.hidden;
    return hidden === undefined ? DEFAULT_PAYLOAD_BYTES : hidden * Float32Array.BYTES_PER_ELEMENT;
  }
}

const CAUSES: ReadonlySet<string> = new Set([
  "member_joined",
  "member_measured",
  "model_added",
  "device_states_updated",
  "links_drifted",
]);
