/**
 * A room as the page, the library and the HTTP routes hold it: its state, what
 * can be asked of it, and what went wrong, in words. Joins this tab's parts; the
 * work is in the parts.
 */
import {
  type Cause,
  DEFAULT_PLACEMENT_RULES,
  type RoomState,
  failureOf,
  RoomError,
  type RoomNotice,
  type MemberId,
  type PlacementId,
  type ModelSource,
  type ModelSummary,
  type Stage,
  type GenerationFailure,
  type TokenEvent,
} from "../shared/index.ts";
import { type Score, scoresOf } from "../placement/index.ts";
import type { AnswerEvent, AskRequest } from "./generation/answer.ts";
import { Requester } from "./generation/requester.ts";
import type { EventLog } from "./log/event-log.ts";
import { LinkMeasurer } from "./member/link-measurer.ts";
import { type Connection, isEvent, type RoomChange } from "./membership/room-access.ts";
import { type EnterOptions, Membership } from "./membership/membership.ts";
import type { RoomCommand } from "./membership/messages.ts";
import { noticeOf } from "./membership/notices.ts";
import type { ModelText, RoomParts } from "./parts.ts";
import {
  type PlacementPreviewAnswer,
  type PreviewCandidate,
  previewPlacement,
  previewStages,
} from "./planning/preview.ts";
import { ShardKeeper } from "./member/shard-keeper.ts";
import { TelemetryReporter } from "./member/telemetry-reporter.ts";

/** After a stage's failure: how long the room has to notice that it lost a member. */
const NOTICE_LOSS_MS = 3000;

export type PlaceRequest = {
  /** A name that the room knows, or where the file is. */
  readonly model: string | ModelSource;
  /** Chosen by hand; without them the solver chooses. */
  readonly stages?: readonly Stage[];
  readonly signal?: AbortSignal;
};

export class RoomClient {
  readonly #parts: RoomParts;
  readonly #membership: Membership;
  readonly #requester: Requester;
  readonly #keeper: ShardKeeper;
  readonly #telemetry: TelemetryReporter;
  readonly #noticeListeners = new Set<(notice: RoomNotice) => void>();

  /** Joins the room, or opens it when nobody is there. Rejects with a `RoomError` in words. */
  static async enter(parts: RoomParts, options: EnterOptions): Promise<RoomClient> {
    const membership = await Membership.enter(parts, options);
    const client = new RoomClient(parts, membership);
    const listeners = {
      onToken: (event: TokenEvent) => client.#requester.onToken(event),
      onFailure: (failure: GenerationFailure) => client.#requester.onFailure(failure),
      onDeviceError: (cause: Cause, lost: boolean) => client.#deviceError(cause, lost),
      onVariants: (variants: readonly string[]) => client.#keeper.variants(variants),
      // What a closed channel means shows in failures and in the state.
      onChannelClose: () => undefined,
    };
    await parts.stage.listen(listeners);
    return client;
  }

  private constructor(parts: RoomParts, membership: Membership) {
    this.#parts = parts;
    this.#membership = membership;
    const { stage, models, linkFrames, nowMs } = parts;
    const duty = { room: membership, stage, models, linkFrames, nowMs };
    this.#keeper = new ShardKeeper({ ...duty, progressMs: membership.timings.progressMs });
    this.#requester = new Requester({
      ...duty,
      pipelineSet: (placement) => this.#keeper.pipelineSet(placement),
      noticeLossMs: NOTICE_LOSS_MS,
    });
    new LinkMeasurer(duty);
    this.#telemetry = new TelemetryReporter(membership, parts.collectDeviceState);
    let before = { state: this.state, connection: this.connection };
    membership.subscribe((change) => {
      const now = { state: this.state, connection: this.connection };
      const notice = noticeOf(change, before, now, this.self);
      before = now;
      if (notice) this.#notify(notice);
    });
  }

  get self(): MemberId {
    return this.#membership.self;
  }

  get state(): RoomState {
    return this.#membership.state;
  }

  get connection(): Connection {
    return this.#membership.connection;
  }

  /** Whether this tab numbers the room's events, and so answers for it at the server. */
  get coordinates(): boolean {
    return this.#membership.coordinates;
  }

  /** The log since the last snapshot: to replay, to save, to send as server-sent events. */
  get log(): Pick<EventLog, "base" | "events"> {
    return this.#membership.log;
  }

  /** Called after each event, snapshot and change of connection; returns how to stop it. */
  subscribe(listener: (change: RoomChange) => void): () => void {
    return this.#membership.subscribe(listener);
  }

  /** What people should be told; returns how to stop it. */
  onNotice(listener: (notice: RoomNotice) => void): () => void {
    this.#noticeListeners.add(listener);
    return () => void this.#noticeListeners.delete(listener);
  }

  /** Asks the coordinator. Rejects with a `RoomError`; the value is an id or null. */
  dispatch(command: RoomCommand): Promise<number | null> {
    return this.#membership.command(command);
  }

  /** Streams an answer. Rejects with a `RoomError`; an abort ends it with "cancelled". */
  ask(request: AskRequest): AsyncGenerator<AnswerEvent, void> {
    return this.#requester.ask(request);
  }

  /** Reads a model's header and tells the room of it. */
  async addModel(source: ModelSource): Promise<ModelSummary> {
    const model = await this.#parts.models.inspect(source).catch((error: unknown) => {
      throw new RoomError({ reason: "model_unreadable", cause: failureOf(error) });
    });
    await this.dispatch({ type: "add_model", model });
    return model;
  }

  /** Places a model and waits until every stage has loaded. Rejects with the reason, in words. */
  async place({ model, stages, signal }: PlaceRequest): Promise<void> {
    const name = typeof model === "string" ? model : (await this.addModel(model)).name;
    const id = await this.dispatch(
      stages
        ? { type: "place_stages", model: name, stages: [...stages] }
        : { type: "place_model", model: name },
    );
    await this.loaded(id as PlacementId, signal);
  }

  /** What placing a model that the room knows would give, without doing it. */
  preview(model: ModelSummary): Promise<PlacementPreviewAnswer> {
    const { planner } = this.#parts;
    return previewPlacement(this.state, model, planner, this.#membership.timings);
  }

  /** What stages chosen by hand would cost, without placing them. */
  previewStages(model: ModelSummary, stages: readonly Stage[]): PreviewCandidate {
    return previewStages(this.state, model, stages);
  }

  /** How fit the members that compute are for layers, best first, by the room's weights. */
  scores(): Score[] {
    const { members, links, settings } = this.state;
    return scoresOf(members, links, settings.placementRules ?? DEFAULT_PLACEMENT_RULES);
  }

  /** The tokenizer of a model, as `ask` uses it. */
  text(model: ModelSummary): Promise<ModelText> {
    return this.#parts.models.text(model);
  }

  leave(): void {
    this.#telemetry.stop();
    this.#membership.leave();
    this.#noticeListeners.clear();
    // Leaving is complete without it: the worker keeps nothing that another room would use.
    this.#parts.stage.setPipeline(this.self, null).catch(() => undefined);
  }

  /** Resolves once `placement` is ready, or a newer one that replaced it. */
  loaded(placement: PlacementId, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: RoomError | null) => {
        off();
        signal?.removeEventListener("abort", onAbort);
        if (error) reject(error);
        else resolve();
      };
      const onAbort = () => settle(new RoomError({ reason: "cancelled" }));
      const look = () => {
        const now = this.state.placement;
        // The event that decides it may still be on its way to this member.
        if (this.connection === "lost") {
          settle(new RoomError({ reason: "not_in_room" }));
        } else if (now && now.id >= placement && now.ready) settle(null);
        else if (now && now.id >= placement && now.error !== null) {
          settle(new RoomError(now.error));
        }
      };
      const off = this.subscribe((change) => {
        if (isEvent(change, "placement_cleared") && change.event.event.placement === placement) {
          settle(new RoomError({ reason: "placement_cleared" }));
        } else look();
      });
      signal?.addEventListener("abort", onAbort);
      if (signal?.aborted) onAbort();
      else look();
    });
  }

  #deviceError(cause: Cause, lost: boolean): void {
    this.#notify({ kind: "device_error", cause, lost });
    if (!lost) return;
    this.#keeper.forget();
    // If the room cannot be reached, it has lost this tab and its adapter anyway.
    const detail = "detail" in cause ? cause.detail : null;
    const noAdapter = { reason: "device_lost" as const, detail };
    this.dispatch({ type: "report_adapter_loss", noAdapter }).catch(() => undefined);
  }

  #notify(notice: RoomNotice): void {
    for (const listener of [...this.#noticeListeners]) listener(notice);
  }
}
