/**
 * What can be worked out about a room for its page: what the running stages
 * should take, the members' scores, and the placements that could be, with
 * reasons. Looks after each change, and works only on what has changed.
 */
import { type RoomClient, capacityKey } from "../cluster/index.ts";
import { MemberId } from "../shared/index.ts";
import type { MemberScore, PlacementPreview, StageTiming } from "../ui/index.ts";
import { previewOf } from "./preview-view.ts";

export type Insight = {
  readonly predicted?: readonly StageTiming[];
  readonly scores?: readonly MemberScore[];
  /** null when nothing is placed. */
  readonly preview?: Omit<PlacementPreview, "draft"> | null;
};

/** Several changes in a row are looked at once. */
const SETTLE_MS = 400;

export class RoomInsight {
  readonly #client: RoomClient;
  readonly #learn: (insight: Insight) => void;
  #predictedFor = "";
  #previewedFor = "";
  #timer: ReturnType<typeof setTimeout> | null = null;
  #stopped = false;

  constructor(client: RoomClient, learn: (insight: Insight) => void) {
    this.#client = client;
    this.#learn = learn;
  }

  /** After every change of the room. */
  look(): void {
    const { state } = this.#client;
    const { placement } = state;
    const key = capacityKey(state);
    const runs = placement?.ready ? `${placement.id} ${key}` : "";
    if (runs !== this.#predictedFor) {
      this.#predictedFor = runs;
      this.#learn({ predicted: this.#predicted() });
    }
    this.#learn({ scores: this.#scores() });
    const shown = `${placement?.id ?? 0} ${placement?.ready ?? false} ${key}`;
    if (shown === this.#previewedFor) return;
    this.#previewedFor = shown;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#preview(shown), SETTLE_MS);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #preview(key: string): Promise<void> {
    const { placement, members } = this.#client.state;
    const preview = placement && previewOf(await this.#client.preview(placement.model), members);
    // A newer question is on its way.
    if (this.#stopped || key !== this.#previewedFor) return;
    this.#learn({ preview });
  }

  #predicted(): StageTiming[] {
    const { placement } = this.#client.state;
    if (!placement?.ready) return [];
    const { stages } = this.#client.previewStages(placement.model, placement.stages);
    return stages.map(({ member, computeMs, stageMs, hopMs }) => ({
      member: MemberId.parse(member),
      computeMs: computeMs + stageMs,
      hopMs: hopMs ?? Infinity,
    }));
  }

  /** To two decimals: what cannot be seen is no news. */
  #scores(): MemberScore[] {
    return this.#client.scores().map((score) => ({
      member: score.member,
      total: round(score.total),
      compute: round(score.compute),
      memory: round(score.memory),
      network: round(score.network),
      thermal: round(score.thermal),
      bandwidth: round(score.bandwidth),
    }));
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
