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
  type LoadPhase,
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
import type { ShardRequest } from "../parts.ts";
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
  /** The room's placement, and that of a handover, as they were when this tab began to follow them. */
  #wanted: Placement | null = null;
  #ahead: Placement | null = null;
  #held: Held | null = null;
  /** The shard that was loaded for `#ahead`. */
  #next: Held | null = null;
  #work: Promise<void> = Promise.resolve();
  /** What the room was told last of `#wanted`; null if that is no longer so. */
  #phase: LoadPhase | null = null;
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
    this.#phase = null;
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
    // While it loads or connects, the next report carries them.
    if (this.#wanted && this.#phase === "ready") this.#ready(this.#wanted);
  }

  /** This tab computes no more. */
  adapterLost(noAdapter: NoAdapter): void {
    this.forget();
    // If the room cannot be reached, it has lost this tab and its adapter anyway.
    this.#parts.room.dispatch({ type: "report_adapter_loss", noAdapter }).catch(() => undefined);
  }

  #update(): void {
    const { placement, handover } = this.#parts.room.state;
    if (placement?.id !== this.#wanted?.id) {
      this.#wanted = placement;
      this.#phase = null;
      // A requester without a shard needs only the pipeline.
      if (!placement || !this.#stageOf(placement)) this.#setPipeline(placement);
      this.#work = this.#work.then(() => this.#follow(placement));
    }
    // After that: if the next placement took over, its shard is in use first.
    const next = handover?.placement ?? null;
    if (next?.id !== this.#ahead?.id) {
      this.#ahead = next;
      this.#work = this.#work.then(() => this.#prepare(next));
    }
  }

  /** Loads what a handover needs, and forgets it if there is none any more. */
  async #prepare(placement: Placement | null): Promise<void> {
    if (placement !== this.#ahead) return;
    const { room, models } = this.#parts;
    const request = placement && this.#requestOf(placement);
    const isThere = request && [this.#held, this.#next].some((held) => isFor(held, request));
    let failure: Failure | null = null;
    try {
      if (this.#next !== null && !isThere) {
        this.#next = null;
        await models.unloadNext();
      }
      if (placement === null || request === null) return;
      if (!isThere) {
        const heldBytes = this.#held === null ? 0 : bytesOf(this.#held.request);
        const memoryBudgetBytes = request.memoryBudgetBytes - heldBytes;
        this.#next = await this.#load({ ...request, memoryBudgetBytes, role: "beside" }, placement);
        if (this.#next === null) return;
      }
      await this.#linkNext(placement);
    } catch (error) {
      failure = failureOf(error);
    }
    if (placement === null || placement !== this.#ahead) return;
    const report = { type: "report_handover", placement: placement.id, failure } as const;
    // Without a coordinator, the next one ends the handover.
    room.dispatch(report).catch(() => undefined);
  }

  async #follow(placement: Placement | null): Promise<void> {
    if (placement !== this.#wanted) return;
    const request = placement && this.#requestOf(placement);
    try {
      if (placement && request) return await this.#takeStage(placement, request);
      if (this.#held ?? this.#next) await this.#parts.models.unloadShard();
      this.forget();
    } catch (error) {
      const failure = failureOf(error);
      if (failure.reason === "gpu_unavailable")
        this.adapterLost({ reason: "device_lost", detail: failure.detail });
      else if (placement)
        this.#report(placement, { status: "failed", phase: "failed", error: failure });
    }
  }

  async #takeStage(placement: Placement, request: ShardRequest): Promise<void> {
    if (!isFor(this.#held, request) && isFor(this.#next, request)) {
      this.#held = this.#next;
      this.#next = null;
    }
    if (!isFor(this.#held, request)) {
      const held = this.#held;
      this.forget();
      this.#report(placement, { status: "loading", phase: "starting" });
      const extended = held && (await this.#extend(held, request, placement));
      this.#held = extended ?? (await this.#load(request, placement));
    }
    if (placement !== this.#wanted) return;
    this.#report(placement, { status: "loading", phase: "connecting" });
    this.#setPipeline(placement);
    await this.#pipelineSet;
    await this.#linkNext(placement);
    this.#ready(placement);
  }

  /** After a loss, with the layers that are held, and their caches. Null if they cannot remain. */
  async #extend(held: Held, request: ShardRequest, placement: Placement): Promise<Held | null> {
    const isRepair = this.#parts.room.state.lastDecision?.trigger.kind === "loss";
    const extension = isRepair ? extensionOf(held.request, request) : null;
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
    let mostBytes = 0;
    let totalBytes = 0;
    let error: Failure | null = null;
    const report = (phase: LoadPhase, loadedBytes: number) => {
      this.#lastProgressMs = clock.nowMs();
      this.#report(placement, { status: "loading", phase, loadedBytes, totalBytes, error });
    };
    const load = async () => {
      // Progress comes from another thread: the last of it may arrive after the end.
      let ended = false;
      const loading = models.loadShard(request, ({ phase, doneBytes, ...progress }) => {
        if (ended) return;
        // A load that is tried again begins with what is stored.
        if (doneBytes > mostBytes) error = null;
        mostBytes = Math.max(mostBytes, doneBytes);
        ({ totalBytes } = progress);
        const isDue = clock.nowMs() - this.#lastProgressMs >= timings.progressMs;
        if (isDue || phase !== this.#phase) report(phase, doneBytes);
      });
      const { kernels } = await loading.finally(() => (ended = true));
      return { request, kernels, bytes: totalBytes };
    };
    return retrySource(load, {
      clock,
      retryMs: timings.sourceRetryMs,
      isWanted: () => placement === this.#wanted || placement === this.#ahead,
      onWait: (reason) => {
        error = reason;
        report("downloading", mostBytes);
      },
    });
  }

  #setPipeline(placement: Placement | null): void {
    const { stage, room } = this.#parts;
    const pipeline = placement && pipelineOf(placement, room);
    this.#pipelineSet = stage.setPipeline(room.self, pipeline);
    // Callers of `pipelineSet` see the error.
    this.#pipelineSet.catch(() => undefined);
  }

  async #linkNext(placement: Placement): Promise<void> {
    const next = nextMember(placement, this.#parts.room.self);
    if (next !== undefined) await this.#parts.linkFrames(next);
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

  #report(
    placement: Placement,
    news: Pick<ShardState, "status" | "phase"> & Partial<ShardState>,
  ): void {
    const mine = this.#stageOf(placement);
    if (placement !== this.#wanted || mine === undefined) return;
    const { first, end } = mine;
    const nothing = { loadedBytes: 0, totalBytes: 0, error: null, kernels: null };
    const shard: ShardState = { placement: placement.id, first, end, ...nothing, ...news };
    this.#phase = shard.phase;
    // Rejects only if the room is lost.
    this.#parts.room.dispatch({ type: "report_shard", shard }).catch(() => undefined);
  }
}

function pipelineOf(
  placement: Placement,
  { self, state }: Pick<MemberParts["room"], "self" | "state">,
): Pipeline {
  const next = nextMember(placement, self);
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

/** The member of the stage after that of `self`, to which it links; undefined for a single stage. */
function nextMember({ stages }: Placement, self: MemberId): MemberId | undefined {
  return pipelineLinks(stages).find(({ from }) => from === self)?.to;
}
