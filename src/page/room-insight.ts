/**
 * What the page computes about its room: the predicted times of the running stages,
 * the members' scores, and, while a person looks at them, the possible placements.
 */
import { type RoomClient, capacityKey, previewStages } from "../cluster/index.ts";
import type { Stage } from "../shared/index.ts";
import type { PlacementPreview, StageTiming } from "../ui/index.ts";
import { draftOf, previewOf } from "./preview-view.ts";
import type { ViewStore } from "./view-store.ts";

/** Several changes in a row give one preview. */
const SETTLE_MS = 400;

export class RoomInsight {
  readonly #client: RoomClient;
  readonly #store: ViewStore;
  #predictedFor = "";
  #previewedFor: string | null = null;
  #isPreviewShown = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #stopped = false;

  constructor(client: RoomClient, store: ViewStore) {
    this.#client = client;
    this.#store = store;
  }

  /** The comparison of placements was opened or closed. */
  showPreview(shown: boolean): void {
    this.#isPreviewShown = shown;
    if (shown && this.#previewedFor === null) void this.#preview();
  }

  /** Shows the cost of stages that a person is editing; null when there are none. */
  showDraft(model: string, stages: readonly Stage[] | null): void {
    const { models, members } = this.#client.state;
    const summary = models.find(({ name }) => name === model);
    if (summary === undefined) return;
    const known = this.#store.view.placementPreview;
    const preview = known?.model === model ? known : { model, candidates: [] };
    const draft = stages && draftOf(previewStages(this.#client.state, summary, stages), members);
    this.#store.update({ placementPreview: { ...preview, draft } });
  }

  /** After every change of the room. */
  update(): void {
    const { placement } = this.#client.state;
    const key = capacityKey(this.#client.state);
    const runs = placement?.ready ? `${placement.id} ${key}` : "";
    if (runs !== this.#predictedFor) {
      this.#predictedFor = runs;
      this.#store.update({ predicted: this.#predicted() });
    }
    this.#store.update({ scores: this.#client.scores() });
    if (this.#previewedFor === null || this.#previewedFor === this.#key()) return;
    this.#previewedFor = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (!this.#isPreviewShown) return this.#showPreview(null);
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
    if (!this.#stopped && key === this.#previewedFor) this.#showPreview(preview);
  }

  /** null without a placement, and for one that no longer holds. A draft that a person is editing stays. */
  #showPreview(preview: Omit<PlacementPreview, "draft"> | null): void {
    const { draft = null, model = "" } = this.#store.view.placementPreview ?? {};
    const shown = preview ?? (draft && { model, candidates: [] });
    this.#store.update({ placementPreview: shown && { ...shown, draft } });
  }

  /** What a preview depends on. */
  #key(): string {
    const { placement } = this.#client.state;
    return `${placement?.id ?? 0} ${placement?.ready ?? false} ${capacityKey(this.#client.state)}`;
  }

  #predicted(): readonly StageTiming[] {
    const { placement, members } = this.#client.state;
    if (!placement?.ready) return [];
    return draftOf(previewStages(this.#client.state, placement.model, placement.stages), members)
      .stages;
  }
}
