/**
 * Follows the placement on this tab: loads its layers, connects the neighboring stages,
 * gives the stage its pipeline, and reports progress. The newest placement wins: what an
 * older one started is finished and discarded. The layers of a handover load beside those
 * that answer, which the stage exchanges when the next placement takes over. After a loss, the layers
 * that this tab holds remain, with the caches of the answers in progress, and it loads only the others.
 *
 * Over 250 lines: each step of a load checks whether a newer placement has replaced it.
 */
import {
  type MemberId,
  type NoAdapter,
  pipelineLinks,
  type PlacementId,
  type ShardState,
  type Placement,
  type Stage,
  type Pipeline,
  type Failure,
  failureOf,
  type KernelReport,
} from "../../shared/index.ts";
import type { MemberParts } from "../membership/room-access.ts";
import { epochOfId } from "../log/numbering.ts";
import type { LoadProgress, ShardRequest } from "../parts.ts";
import { retrySource } from "./retry-source.ts";
import { bytesOf, extensionOf, isSameShard } from "./shard-requests.ts";

/** The shard that this tab holds, and the bytes of the file that it has read for it. */
type Held = {
  readonly request: ShardRequest;
  readonly kernels: KernelReport;
  readonly bytes: number;
};

const isFor = (held: Held | null, request: ShardRequest) =>
  held !== null && isSameShard(held.request, request);

export class ShardKeeper {
  readonly #parts: MemberParts;
  #wanted: PlacementId | null = null;
  #held: Held | null = null;
  /** The placement of a handover, and the shard that was loaded for it. */
  #ahead: PlacementId | null = null;
  #next: Held | null = null;
  /** A placement was lost, and none has loaded since: answers wait for their caches. */
  #afterLoss = false;
  #work: Promise<void> = Promise.resolve();
  #lastReport: ShardState | null = null;
  #lastProgressMs = -Infinity;
  #pipelineSet: Promise<void> = Promise.resolve();

  constructor(parts: MemberParts) {
    this.#parts = parts;
    parts.room.subscribe(() => this.#update());
    this.#update();
  }

  /** Resolves once the stage knows the pipeline of the room's placement. */
  pipelineSet(): Promise<void> {
    this.#update();
    return this.#pipelineSet;
  }

  /** The shard is lost: the next placement loads its layers again, whatever it was. */
  forget(): void {
    this.#held = null;
    this.#next = null;
    this.#lastReport = null; // what it said is no longer so
  }

  /** The stage runs in another worker, which knows nothing. */
  stageReplaced(): void {
    this.forget();
    this.#setPipeline(this.#parts.room.state.placement);
  }

  /** The kernels, or how far they are measured, changed after the load. */
  kernels(kernels: KernelReport): void {
    if (this.#held === null) return;
    this.#held = { ...this.#held, kernels };
    const { placement } = this.#parts.room.state;
    const last = this.#lastReport;
    // While it loads or connects, the next report carries them.
    const isReady = last?.status === "ready" && last.placement === placement?.id;
    if (placement && isReady) this.#ready(placement);
  }

  #update(): void {
    const { placement, handover } = this.#parts.room.state;
    const next = handover?.placement ?? null;
    if (placement && placement.error !== null) this.#afterLoss = true;
    if (placement?.ready) this.#afterLoss = false;
    if ((placement?.id ?? null) !== this.#wanted) {
      this.#wanted = placement?.id ?? null;
      // A requester without a shard needs only the pipeline.
      if (!placement || !this.#stageOf(placement)) this.#setPipeline(placement);
      this.#work = this.#work.then(() => this.#follow(placement));
    }
    // After that: if the next placement took over, its shard is in use first.
    if ((next?.id ?? null) !== this.#ahead) {
      this.#ahead = next?.id ?? null;
      this.#work = this.#work.then(() => this.#prepare(next));
    }
  }

  /** Loads what a handover needs, and forgets it if there is none any more. */
  async #prepare(placement: Placement | null): Promise<void> {
    const { room, models, linkFrames } = this.#parts;
    if ((placement?.id ?? null) !== this.#ahead) return;
    let failure: Failure | null = null;
    try {
      const request = placement && this.#requestOf(placement);
      const isThere =
        request !== null && [this.#held, this.#next].some((held) => isFor(held, request));
      if (this.#next !== null && !isThere) {
        this.#next = null;
        await models.unloadNext();
      }
      if (request === null || placement === null) return;
      if (!isThere) {
        const heldBytes = this.#held === null ? 0 : bytesOf(this.#held.request);
        const memoryBudgetBytes = request.memoryBudgetBytes - heldBytes;
        this.#next = await this.#load({ ...request, memoryBudgetBytes, role: "beside" }, placement);
        if (this.#next === null) return;
      }
      for (const peer of nextMembers(placement, room.self)) await linkFrames(peer);
    } catch (error) {
      failure = failureOf(error);
    }
    if (placement === null || placement.id !== this.#ahead) return;
    // Without a coordinator, the next one ends the handover.
    room
      .dispatch({ type: "report_handover", placement: placement.id, failure })
      .catch(() => undefined);
  }

  #setPipeline(placement: Placement | null): void {
    const { stage, room } = this.#parts;
    const pipeline = placement && pipelineOf(placement, room);
    this.#pipelineSet = stage.setPipeline(room.self, pipeline);
    // Callers of `pipelineSet` see the error.
    this.#pipelineSet.catch(() => undefined);
  }

  async #follow(placement: Placement | null): Promise<void> {
    if ((placement?.id ?? null) !== this.#wanted) return;
    const request = placement && this.#requestOf(placement);
    try {
      if (placement && request) return await this.#takeStage(placement, request);
      if (this.#held ?? this.#next) await this.#parts.models.unloadShard();
      this.#held = null;
      this.#next = null;
    } catch (error) {
      const failure = failureOf(error);
      if (failure.reason === "gpu_unavailable")
        this.adapterLost({ reason: "device_lost", detail: failure.detail });
      else if (placement)
        this.#report(placement, { status: "failed", phase: "failed", error: failure });
    }
  }

  /** This tab computes no more. */
  adapterLost(noAdapter: NoAdapter): void {
    this.forget();
    // If the room cannot be reached, it has lost this tab and its adapter anyway.
    this.#parts.room.dispatch({ type: "report_adapter_loss", noAdapter }).catch(() => undefined);
  }

  async #takeStage(placement: Placement, request: ShardRequest): Promise<void> {
    const { room } = this.#parts;
    if (!isFor(this.#held, request) && isFor(this.#next, request)) {
      this.#held = this.#next;
      this.#next = null;
    }
    if (!isFor(this.#held, request)) {
      const held = this.#held;
      this.#held = null;
      this.#next = null;
      this.#report(placement, { status: "loading", phase: "starting" });
      const extended = held && (await this.#extend(held, request, placement));
      this.#held = extended ?? (await this.#load(request, placement));
    }
    if (placement.id !== this.#wanted) return;
    this.#report(placement, { status: "loading", phase: "connecting" });
    this.#setPipeline(placement);
    await this.#pipelineSet;
    for (const peer of nextMembers(placement, room.self)) await this.#parts.linkFrames(peer);
    this.#ready(placement);
  }

  /** After a loss, with the layers that are held, and their caches. Null if they cannot remain. */
  async #extend(held: Held, request: ShardRequest, placement: Placement): Promise<Held | null> {
    const extension = this.#afterLoss ? extensionOf(held.request, request) : null;
    if (extension === null) return null;
    try {
      const loaded = await this.#load(extension, placement);
      return loaded && { ...loaded, request, bytes: held.bytes + loaded.bytes };
    } catch {
      return null; // loaded again as a whole, they may fit
    }
  }

  /**
   * Bytes that could not be had are asked for again, since a server may restart; the room sees what the load
   * waits for. Null if they are no longer wanted.
   */
  async #load(request: ShardRequest, placement: Placement): Promise<Held | null> {
    const { models, clock, timings } = this.#parts;
    let loadedBytes = 0;
    let totalBytes = 0;
    let error: Failure | null = null;
    const load = async () => {
      // Progress comes from another thread: the last of it may arrive after the end.
      let ended = false;
      const loading = models.loadShard(request, (progress) => {
        if (ended) return;
        // A load that is tried again begins with what is stored.
        if (progress.doneBytes > loadedBytes) error = null;
        loadedBytes = Math.max(loadedBytes, progress.doneBytes);
        ({ totalBytes } = progress);
        this.#progress(placement, progress, error);
      });
      const { kernels } = await loading.finally(() => (ended = true));
      return { request, kernels, bytes: totalBytes };
    };
    return retrySource(load, {
      clock,
      retryMs: timings.sourceRetryMs,
      isWanted: () => placement.id === this.#wanted || placement.id === this.#ahead,
      onWait: (reason) => {
        error = reason;
        const phase = "downloading";
        this.#report(placement, { status: "loading", phase, loadedBytes, totalBytes, error });
      },
    });
  }

  #ready(placement: Placement): void {
    const { kernels, bytes } = this.#held ?? { kernels: null, bytes: 0 };
    const loaded = { loadedBytes: bytes, totalBytes: bytes, kernels };
    this.#report(placement, { status: "ready", phase: "ready", ...loaded });
  }

  /** Null if this tab has no stage of the placement. */
  #requestOf(placement: Placement): ShardRequest | null {
    const { state, self } = this.#parts.room;
    const { model, stages, contextTokens, generationSlots, activations } = placement;
    const mine = this.#stageOf(placement);
    if (mine === undefined) return null;
    const { first, end } = mine;
    const measured = state.members.find(({ id }) => id === self)?.measurements;
    return {
      ...{ model, contextTokens, generationSlots, activations },
      ...{ first, end, missing: { first, end }, role: "instead" },
      earlier: stages.filter((stage) => stage.first < first),
      memoryBudgetBytes: measured?.memoryBudgetBytes ?? 0,
      submitWhileWaiting: measured?.submitWhileWaitingHelps ?? false,
    };
  }

  #stageOf({ stages }: Placement): Stage | undefined {
    return stages.find(({ member }) => member === this.#parts.room.self);
  }

  #progress(placement: Placement, progress: LoadProgress, error: Failure | null): void {
    const { phase, doneBytes: loadedBytes, totalBytes } = progress;
    const { clock, timings } = this.#parts;
    const nowMs = clock.nowMs();
    const isNewPhase = this.#lastReport?.phase !== phase;
    if (!isNewPhase && nowMs - this.#lastProgressMs < timings.progressMs) return;
    this.#lastProgressMs = nowMs;
    this.#report(placement, { status: "loading", phase, loadedBytes, totalBytes, error });
  }

  #report(
    placement: Placement,
    news: Pick<ShardState, "status" | "phase"> & Partial<ShardState>,
  ): void {
    const mine = this.#stageOf(placement);
    if (placement.id !== this.#wanted || mine === undefined) return;
    const { first, end } = mine;
    const nothing = { loadedBytes: 0, totalBytes: 0, error: null, kernels: null };
    const shard: ShardState = { placement: placement.id, first, end, ...nothing, ...news };
    this.#lastReport = shard;
    // Rejects only if the room is lost.
    this.#parts.room.dispatch({ type: "report_shard", shard }).catch(() => undefined);
  }
}

function pipelineOf(
  placement: Placement,
  { self, state }: Pick<MemberParts["room"], "self" | "state">,
): Pipeline {
  const [next] = nextMembers(placement, self);
  const link = state.links.find(({ from, to }) => from === self && to === next);
  return {
    placement: placement.id,
    epoch: epochOfId(placement.id),
    stages: placement.stages,
    contextTokens: placement.contextTokens,
    generationSlots: placement.generationSlots,
    vocabulary: placement.model.vocabulary,
    predictedMs: placement.predictedMs,
    linkMs: (link?.roundTripMs ?? 0) / 2,
  };
}

/** The member of the stage after that of `self`, which links to it; none for a single stage. */
function nextMembers({ stages }: Placement, self: MemberId): MemberId[] {
  const links = pipelineLinks(stages).filter(({ from }) => from === self);
  return links.map(({ to }) => to);
}
