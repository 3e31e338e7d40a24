/**
 * A room for the page, the library, and the HTTP routes: this tab's membership, what the tab does as a
 * member, and what it may ask of the room. Connects the parts of the cluster; the work is in the parts.
 */
import {
  type CloseFailure,
  type Failure,
  DEFAULT_PLACEMENT_RULES,
  type RoomCode,
  type RoomEvent,
  failureOf,
  RoomError,
  type RoomNotice,
  type MemberId,
  type PlacementId,
  type ModelSource,
  type ModelSummary,
  type Stage,
  type StageListeners,
  type StageObservation,
  type Trouble,
} from "../shared/index.ts";
import { type Score, scoresOf } from "../placement/index.ts";
import type { AnswerEvent, AskRequest } from "./generation/answer.ts";
import { Requester } from "./generation/requester.ts";
import { measureLinks } from "./member/link-measurer.ts";
import { repairLinks } from "./member/link-repair.ts";
import { isEvent, whenRoom } from "./membership/room-access.ts";
import { Membership } from "./membership/membership.ts";
import { noticeOf } from "./membership/notices.ts";
import type { ModelText, RoomParts } from "./parts.ts";
import { type PlacementPreviewAnswer, previewPlacement } from "./planning/preview.ts";
import { placementLoaded } from "./planning/placement-loaded.ts";
import { ShardKeeper } from "./member/shard-keeper.ts";
import { reportRoom } from "./member/stage-room.ts";
import { reportDeviceState } from "./member/telemetry-reporter.ts";

export type EnterOptions = {
  readonly room: RoomCode;
  /** Reject with "not_found" if no one is in the room, instead of opening it. */
  readonly mustExist?: boolean;
};

export type PlaceRequest = {
  /** A name that the room knows, or where the file is. */
  readonly model: string | ModelSource;
  /** Without them, the solver chooses. */
  readonly stages?: readonly Stage[];
  readonly signal?: AbortSignal;
};

export class RoomClient extends Membership {
  readonly #requester: Requester;
  readonly #keeper: ShardKeeper;
  /** Tells the stage again who is in the room. */
  readonly #reportRoom: () => void;
  /** No frame passes between this tab and the peer. */
  readonly #linkDown: (peer: MemberId, cause: CloseFailure) => void;

  /** Joins the room, or opens it if no one is there. Rejects with a `RoomError`. */
  static async enter(
    parts: RoomParts,
    { room, mustExist = false }: EnterOptions,
  ): Promise<RoomClient> {
    const client = new RoomClient(parts, room);
    try {
      await parts.stage.listen(client.#stageListeners());
      await client.find(mustExist);
      return client;
    } catch (error) {
      client.leave();
      throw error;
    }
  }

  private constructor(parts: RoomParts, room: RoomCode) {
    super(parts, room);
    const work = { ...this.parts, room: this };
    this.#reportRoom = reportRoom(work);
    this.#keeper = new ShardKeeper(work);
    const pipelineSet = () => this.#keeper.pipelineSet();
    this.#requester = new Requester({ ...work, pipelineSet });
    measureLinks(work);
    this.#linkDown = repairLinks(work, (trouble) => this.#report(trouble));
    reportDeviceState(this, parts.collectDeviceState, parts.clock);
    const offDisconnect = parts.transport.events.onDisconnect((peer, cause) => {
      if (cause.reason !== "replaced_connection") this.#linkDown(peer, cause);
    });
    this.subscribe((change) => {
      if (isEvent(change, "member_faulted")) this.#faulted(change.event.event);
      if (this.connection !== "lost") return;
      offDisconnect();
      // Not awaited: nothing of this pipeline affects another room.
      parts.stage.setPipeline(this.self, null).catch(() => undefined);
    });
  }

  /** Calls `listener` with each notice for people. Returns a function that ends this. */
  onNotice(listener: (notice: RoomNotice) => void): () => void {
    let before = { state: this.state, connection: this.connection };
    return this.subscribe((change) => {
      const now = { state: this.state, connection: this.connection };
      const notice = noticeOf(change, before, now, this.self);
      before = now;
      if (notice) listener(notice);
    });
  }

  /** Streams an answer. Rejects with a `RoomError`; an abort ends it with "cancelled". */
  ask(request: AskRequest): AsyncGenerator<AnswerEvent, void> {
    return this.#requester.ask(request);
  }

  /** Reads a model's header and adds the model to the room. */
  async addModel(source: ModelSource): Promise<ModelSummary> {
    const model = await this.parts.models.inspect(source).catch((error: unknown) => {
      throw new RoomError({ reason: "model_unreadable", cause: failureOf(error) });
    });
    await this.dispatch({ type: "add_model", model });
    return model;
  }

  /** Places a model and waits until every stage has loaded. Rejects with a `RoomError`. */
  async place({ model, stages, signal }: PlaceRequest): Promise<void> {
    const name = typeof model === "string" ? model : (await this.addModel(model)).name;
    const id = await this.dispatch(
      stages
        ? { type: "place_stages", model: name, stages: [...stages] }
        : { type: "place_model", model: name },
    );
    await this.loaded(id as PlacementId, signal);
  }

  /** The possible placements of a model, without placing it. */
  preview(model: ModelSummary): Promise<PlacementPreviewAnswer> {
    const { planner, timings } = this.parts;
    return previewPlacement(this.state, model, planner, timings);
  }

  /** Scores of the members that compute, best first, by the weights of the room's settings. */
  scores(): Score[] {
    const { members, links, settings } = this.state;
    return scoresOf(members, links, settings.placementRules ?? DEFAULT_PLACEMENT_RULES);
  }

  /** The tokenizer of a model, as `ask` uses it. */
  text(model: ModelSummary): Promise<ModelText> {
    return this.parts.models.text(model);
  }

  /**
   * Before a person leaves: while answers run, others load this tab's layers and take over. Resolves at
   * once if there is no need, or no place for them. Never rejects.
   */
  async handOver(): Promise<void> {
    const { placement, generations } = this.state;
    const needed = placement?.stages.some(({ member }) => member === this.self) ?? false;
    if (!needed || generations.length === 0) return;
    this.notify({ kind: "handing_over" });
    const id = await this.dispatch({ type: "hand_over" }).catch(() => null);
    if (id === null) return;
    const isOver = () => this.connection === "lost" || this.state.handover?.placement.id !== id;
    await whenRoom(this, () => isOver() || null);
  }

  /** Resolves once `placement` is ready, or a newer one that replaced it. */
  loaded(placement: PlacementId, signal?: AbortSignal): Promise<void> {
    return placementLoaded(this, placement, signal);
  }

  #stageListeners(): StageListeners {
    return {
      onToken: (event) => this.#requester.onToken(event),
      onFailure: (failure) => this.#requester.onFailure(failure),
      onDeviceError: (cause) => this.#shardFailed(cause),
      onLaps: (placement, computeMs, wireMs) => {
        const wire = wireMs.length > 0 ? { wireMs: [...wireMs] } : {};
        const laps = { placement, computeMs: [...computeMs], ...wire };
        // Rejects without a coordinator: the next answer brings others.
        this.dispatch({ type: "report_laps", ...laps }).catch(() => undefined);
      },
      onKernels: (kernels) => this.#keeper.kernels(kernels),
      onObservation: (observation) => this.#observed(observation),
    };
  }

  /** The room found that this tab's stage does not respond. */
  #faulted({ member, cause }: Extract<RoomEvent, { type: "member_faulted" }>): void {
    if (member !== this.self || cause.reason !== "stage_silent") return;
    this.#keeper.forget();
    this.parts.replaceStage?.();
  }

  /** The layers that this tab held compute no more. */
  #shardFailed(cause: Failure): void {
    this.notify({ kind: "device_error", cause });
    this.#keeper.forget();
    const { placement } = this.state;
    if (placement) this.#report({ kind: "shard_failed", placement: placement.id, cause });
  }

  #observed(observation: StageObservation): void {
    const { transport } = this.parts;
    switch (observation.kind) {
      case "channel_closed":
        return this.#linkDown(observation.peer, observation.cause);
      case "peer_silent": {
        const { peer, again } = observation;
        // A slow machine on which tabs load layers does not answer for seconds; the heartbeat allows that.
        if (this.state.placement?.ready === false) return;
        if (!again) return transport.check(peer);
        // Its tab answers, so its stage or the channel to it does not work.
        if (!transport.dropSilent(peer)) this.#linkDown(peer, { reason: "peer_silent", peer });
        return;
      }
      case "lap_late":
      case "prompt_missing":
        return this.#report(observation);
      case "worker_replaced":
        this.#reportRoom();
        this.#keeper.stageReplaced();
        return this.#shardFailed(observation.cause);
      case "worker_gone":
        this.notify({ kind: "device_error", cause: observation.cause });
        return this.#keeper.adapterLost({ reason: "worker_gone", cause: observation.cause });
    }
  }

  #report(trouble: Trouble): void {
    // Rejects only if the room is lost: then there is no one to tell.
    this.dispatch({ type: "report_trouble", trouble }).catch(() => undefined);
  }
}
