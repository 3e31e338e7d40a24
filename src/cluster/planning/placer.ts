/**
 * Decides placements for the coordinator: on a command, after a loss, and when the
 * room's capacity changes. Emits every decision, whether or not anything moves.
 *
 * A placement that a person chose is never replaced by a solve that began before it.
 * Only attempts and cooldowns are kept here; another coordinator starts without them.
 *
 * Over 250 lines: every decision depends on the same attempts and cooldowns.
 */
import { isFound } from "../../placement/index.ts";
import {
  type CapacityChange,
  type Decision,
  type DecisionReason,
  type DecisionTrigger,
  type Failure,
  type MemberId,
  MeshFailure,
  type RoomEvent,
  type PlacementFailure,
  PlacementId,
  type ModelSummary,
  type Placement,
  RoomError,
  type RoomState,
  type Stage,
} from "../../shared/index.ts";
import { capacityChanges, capacityKey, capacityOf, type Capacity } from "./capacity.ts";
import { decideReview, violationsOf } from "./decide-move.ts";
import { notPlacedAgain, propose, refusalOf } from "./decide-placement.ts";
import { builtWith, canHandOver, type Chosen, isSamePlacement } from "./hand-over.ts";
import { repairOf } from "./repair.ts";
import { checkStages } from "./manual-placement.ts";
import { idsInEpochs } from "../log/numbering.ts";
import { predicted, problemOf } from "./room-problem.ts";
import type { CoordinatorParts } from "../parts.ts";
import type { LoadWatch } from "../coordinator/load-watch.ts";
import type { Attempts } from "../coordinator/rules.ts";

type DecisionNews = Pick<Decision, "model" | "outcome" | "trigger" | "reason"> & Partial<Decision>;

/** A member that has not loaded its layers of a handover by then keeps the room from moving. */
const MAX_HANDOVER_MS = 15 * 60_000;
/** Until layers are placed again whose members did not reach each other. */
const UNREACHED_RETRY_MS = 5000;

export class Placer {
  readonly #parts: CoordinatorParts;
  readonly #loads: Pick<LoadWatch, "bytesPerMs">;
  readonly #nextId: (epoch: number) => number;
  /** Rises with each placement that a person chose. */
  #manualCount = 0;
  #solving = false;
  /** Settles with the attempt in progress; never rejects. */
  #inProgress: Promise<unknown> = Promise.resolve();
  #seen: Capacity | null = null;
  #lastKey: string | null = null;
  #reviewDue = false;
  #cancelTimer: (() => void) | null = null;
  #cooldownEndsMs = -Infinity;
  /** Changes whose review waits for the end of the cooldown. */
  #postponed: readonly CapacityChange[] = [];
  #accepted: ReadonlySet<string> | null = null;
  /** The current placement was lost while answers ran. */
  #interrupted = false;
  #handoverEndsMs = Infinity;

  constructor(parts: CoordinatorParts, loads: Pick<LoadWatch, "bytesPerMs">) {
    this.#parts = parts;
    this.#loads = loads;
    this.#nextId = idsInEpochs(parts.random);
  }

  get attempts(): Omit<Attempts, "repairing"> {
    return { solving: this.#solving, lastKey: this.#lastKey, reviewDue: this.#reviewDue };
  }

  stop(): void {
    this.#cancelTimer?.();
  }

  /** After every event: schedules a review when the capacity changed. */
  note(event: RoomEvent): void {
    if (event.type === "generation_ended" && event.outcome === "interrupted")
      this.#interrupted = true;
    // Device states come as long as there are members.
    if (this.#parts.clock.nowMs() >= this.#handoverEndsMs) this.abandonHandover();
    const { placement } = this.#state;
    // A connection that failed may succeed later, although no capacity changes.
    if (event.type === "placement_failed" && isUnreached(event.error))
      this.#lookIn(UNREACHED_RETRY_MS);
    if (!placement?.ready || this.#solving || this.#cancelTimer) return;
    if (capacityKey(this.#state) !== this.#lastKey) this.#lookIn(this.#parts.timings.settleMs);
  }

  placeStages(model: ModelSummary, stages: readonly Stage[]): number {
    checkStages(this.#state, model, stages);
    this.#manualCount += 1;
    this.#see(this.#state);
    const chosen = { model, stages: [...stages], predictedMs: null };
    return this.#decide(chosen, { kind: "person" }, { kind: "manual" });
  }

  /** The id of the placement, or of the one that a person chose in the meantime. */
  placeModel(model: ModelSummary): Promise<number> {
    const manualCount = this.#manualCount;
    return this.#attempt(async () => {
      const { choice, ...chosen } = await this.#solve(model);
      const { placement } = this.#state;
      if (this.#manualCount !== manualCount && placement) return placement.id;
      return this.#decide(chosen, { kind: "person" }, { kind: "solved", choice });
    });
  }

  /** After a loss. Never rejects: an error becomes the failure of the placement that was lost. */
  placeAgain(): void {
    const lost = this.#state.placement;
    if (!lost || lost.error === null) return;
    const { error: loss, model } = lost;
    const trigger = { kind: "loss", failure: loss } as const;
    const isCurrent = () => this.#state.placement?.id === lost.id;
    void this.#attempt(async () => {
      try {
        if (this.#interrupted && this.#repair(lost, trigger)) return;
        const { choice, ...chosen } = await this.#solve(model);
        if (isCurrent()) this.#decide(chosen, trigger, { kind: "solved", choice });
      } catch (error) {
        if (!isCurrent()) return;
        const failure = notPlacedAgain(loss, error);
        const reason = { kind: "failed", failure } as const;
        this.#record({ model: model.name, outcome: "impossible", trigger, reason });
        this.#parts.emit({ type: "placement_failed", placement: lost.id, error: failure });
      }
    });
  }

  /** False if the stages that remain cannot keep their layers. */
  #repair(lost: Placement, trigger: DecisionTrigger): boolean {
    const { model } = lost;
    const { clock, timings } = this.#parts;
    const repair = repairOf(this.#state, lost, problemOf(this.#state, model));
    if (repair === null) return false;
    // Another move for gain alone would interrupt the answers once more.
    this.#cooldownEndsMs = clock.nowMs() + timings.cooldownMs;
    this.#decide({ model, ...repair }, trigger, { kind: "repaired" });
    // The solver has not seen the loss: a review follows once the layers have loaded.
    this.#lastKey = null;
    return true;
  }

  /** A lost placement is tried again: a member that could not be reached is back. */
  memberReturned(): void {
    this.#lastKey = null;
  }

  /** A member has loaded its layers of a handover, or cannot: then the layers move as without one. */
  takeReport(from: MemberId, placement: PlacementId, failure: Failure | null): void {
    const { handover } = this.#state;
    if (handover?.placement.id !== placement) return;
    if (!handover.placement.stages.some(({ member }) => member === from)) return;
    if (failure === null)
      return this.#parts.emit({ type: "handover_loaded", placement, member: from });
    this.#parts.emit({ type: "placement_decided", placement: handover.placement });
  }

  abandonHandover(): void {
    this.#handoverEndsMs = Infinity;
    const placement = this.#state.handover?.placement.id;
    if (placement) this.#parts.emit({ type: "handover_ended", placement, switched: false });
  }

  /**
   * Hands the layers of a member that wants to leave over to others, while answers run. Null if there
   * is no need, or no place for them. Never rejects.
   */
  handOver(leaving: MemberId): Promise<number | null> {
    return this.#attempt(async () => {
      const { placement, members, generations } = this.#state;
      const isNeeded = placement?.stages.some(({ member }) => member === leaving) ?? false;
      if (!placement?.ready || !isNeeded || generations.length === 0) return null;
      const { model } = placement;
      const others = { ...this.#state, members: members.filter(({ id }) => id !== leaving) };
      const repair = repairOf(others, placement, problemOf(others, model));
      const parts = { ...this.#parts, state: () => others };
      const chosen = repair ?? foundIn(await propose(model, parts));
      if (chosen === null || this.#state.placement?.id !== placement.id) return null;
      const next = this.#next({ model, ...chosen });
      if (!canHandOver(this.#state, next)) return null;
      this.#begin(next);
      return next.id;
    });
  }

  /** Compares the current placement with what the solver proposes now. Never rejects. */
  review(): void {
    this.#reviewDue = false;
    void this.#attempt(() => this.#review());
  }

  async #review(): Promise<void> {
    const { clock, timings } = this.#parts;
    const reviewed = this.#state.placement;
    if (reviewed === null) return;
    const { model } = reviewed;
    const loadBytesPerMs = this.#loads.bytesPerMs;
    const before = this.#seen;
    const proposal = await propose(model, this.#parts, { loadBytesPerMs });
    const { answer, built } = proposal;
    const changes = [...this.#postponed, ...capacityChanges(before, proposal.state)];
    this.#see(proposal.state);
    const { placement, settings, generations } = this.#state;
    if (placement?.id !== reviewed.id || placement.error !== null) {
      // It was lost meanwhile: the capacity of now has not been tried for it.
      this.#lastKey = null;
      return;
    }
    if (changes.length === 0) return;
    const news = { model: model.name, trigger: { kind: "changes" as const, changes } };
    if (!isFound(answer)) {
      const reason = { kind: "no_alternative" as const, refusal: refusalOf(model, answer, built) };
      return this.#record({ ...news, outcome: "impossible", reason });
    }
    this.#accepted ??= new Set(violationsOf({ built, placement }));
    const cooldownMs = this.#cooldownEndsMs - clock.nowMs();
    const { postponed, ...verdict } = decideReview({
      built,
      placement,
      proposed: answer,
      settings,
      loadBytesPerMs,
      accepted: this.#accepted,
      coolingDown: cooldownMs > 0 && before?.settings === this.#seen?.settings,
    });
    this.#postponed = postponed ? changes : [];
    if (postponed) this.#lookIn(cooldownMs);
    if (verdict.outcome !== "moved") return this.#record({ ...news, ...verdict });
    const waitingAnswers = generations.filter(({ status }) => status === "running").length;
    this.#record({ ...news, ...verdict, waitingAnswers });
    this.#cooldownEndsMs = clock.nowMs() + timings.cooldownMs;
    this.#place({ model, ...predicted(built.problem, answer.stages) });
  }

  get #state(): RoomState {
    return this.#parts.state();
  }

  /** Rejects with a `RoomError` "not_placed". */
  async #solve(model: ModelSummary) {
    const proposal = await propose(model, this.#parts);
    this.#see(proposal.state);
    const { answer, built, choice } = proposal;
    if (isFound(answer)) return { model, ...predicted(built.problem, answer.stages), choice };
    throw new RoomError({ reason: "not_placed", refusal: refusalOf(model, answer, built) });
  }

  #see(state: RoomState): void {
    this.#seen = capacityOf(state);
    this.#lastKey = capacityKey(state);
  }

  /** One attempt at a time. */
  async #attempt<T>(act: () => Promise<T>): Promise<T> {
    while (this.#solving) await this.#inProgress;
    this.#solving = true;
    const attempt = act();
    this.#inProgress = attempt.catch(() => undefined);
    try {
      return await attempt;
    } finally {
      this.#solving = false;
      this.#parts.onSettled();
    }
  }

  /** Then a lost placement is tried again, and another one is reviewed. */
  #lookIn(delayMs: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#parts.clock.after(delayMs, () => {
      this.#cancelTimer = null;
      this.#lastKey = null;
      this.#reviewDue = true;
      this.#parts.onSettled();
    });
  }

  #next(chosen: Chosen): Placement {
    const id = PlacementId.parse(this.#nextId(this.#state.epoch));
    const built = builtWith(this.#state.settings, chosen.model);
    return { id, ...chosen, ...built, ready: false, error: null };
  }

  #decide(chosen: Chosen, trigger: DecisionTrigger, reason: DecisionReason): number {
    const outcome = trigger.kind === "person" ? "placed" : "moved";
    this.#record({ model: chosen.model.name, outcome, trigger, reason });
    return this.#place(chosen);
  }

  /** A placement that is in force already stays: a command may be repeated to another coordinator. */
  #place(chosen: Chosen): number {
    const next = this.#next(chosen);
    const { placement, handover } = this.#state;
    if (placement?.error === null && handover === null && isSamePlacement(placement, next))
      return placement.id;
    this.#interrupted = false;
    const built = problemOf(this.#state, chosen.model);
    this.#accepted = new Set(violationsOf({ built, placement: next }));
    if (canHandOver(this.#state, next)) this.#begin(next);
    else this.#parts.emit({ type: "placement_decided", placement: next });
    return next.id;
  }

  /** Answers go on until it has loaded. */
  #begin(placement: Placement): void {
    this.#handoverEndsMs = this.#parts.clock.nowMs() + MAX_HANDOVER_MS;
    this.#parts.emit({ type: "handover_begun", placement });
  }

  #record(news: DecisionNews): void {
    const numbers = { currentMs: null, proposedMs: null, gainMs: null, bytesToLoad: 0 };
    const notes = { includesPenalties: false, isTokenTime: true, waitingAnswers: 0 };
    this.#parts.emit({ type: "placement_reviewed", decision: { ...numbers, ...notes, ...news } });
  }
}

function foundIn({ answer, built }: Awaited<ReturnType<typeof propose>>) {
  return isFound(answer) ? predicted(built.problem, answer.stages) : null;
}

/** A member could not reach another one. */
function isUnreached(error: PlacementFailure): boolean {
  return error.reason === "stage_load_failed" && MeshFailure.safeParse(error.cause).success;
}
