/**
 * What the page computes about its room: the predicted times of the running stages,
 * the members' scores, and, while a person looks at them, the possible placements.
 */
import { type RoomClient, capacityKey } from "../cluster/index.ts";
import { MemberId } from "../shared/index.ts";
import type { PlacementPreview, StageTiming } from "../ui/index.ts";
import type { Score } from "../words/index.ts";
import { previewOf } from "./preview-view.ts";

export type Insight = {
  readonly predicted?: readonly StageTiming[];
  readonly scores?: readonly Score[];
  /** null without a placement, and for one that no longer holds. */
  readonly preview?: Omit<PlacementPreview, "draft"> | null;
};

/** Several changes in a row give one preview. */
const SETTLE_MS = 400;

export class RoomInsight {
  readonly #client: RoomClient;
  readonly #learn: (insight: Insight) => void;
  #predictedFor = "";
  #previewedFor: string | null = null;
  readonly #shownParts = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #stopped = false;

  constructor(client: RoomClient, learn: (insight: Insight) => void) {
    this.#client = client;
    this.#learn = learn;
  }

  /** A part of the page that compares placements was opened or closed. */
  showPreview(part: string, shown: boolean): void {
    if (shown) this.#shownParts.add(part);
    else this.#shownParts.delete(part);
    if (shown && this.#previewedFor === null) void this.#preview();
  }

  /** After every change of the room. */
  update(): void {
    const { placement } = this.#client.state;
    const key = capacityKey(this.#client.state);
    const runs = placement?.ready ? `${placement.id} ${key}` : "";
    if (runs !== this.#predictedFor) {
      this.#predictedFor = runs;
      this.#learn({ predicted: this.#predicted() });
    }
    this.#learn({ scores: this.#scores() });
    if (this.#previewedFor === null || this.#previewedFor === this.#key()) return;
    this.#previewedFor = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#shownParts.size === 0) return this.#learn({ preview: null });
    this.#timer = setTimeout(() => void this.#preview(), SETTLE_MS);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #preview(): Promise<void> {
    const { placement, members } = this.#client.state;
    const key = this.#key();
    this.#previewedFor = key;
    const preview = placement && previewOf(await this.#client.preview(placement.model), members);
    // A change in the meantime starts another preview, or ends the need for one.
    if (!this.#stopped && key === this.#previewedFor) this.#learn({ preview });
  }

  /** What a preview depends on. */
  #key(): string {
    const { placement } = this.#client.state;
    return `${placement?.id ?? 0} ${placement?.ready ?? false} ${capacityKey(this.#client.state)}`;
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

  /** To two decimals: the page shows no more, and equal scores draw nothing. */
  #scores(): Score[] {
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
