/**
 * The coordinator's hand on placements: decides one at a command or after a
 * loss, and weighs what runs against what the solver proposes when members or
 * settings change. Tells every decision, whichever way it went.
 *
 * Remembers only attempts and rests; another coordinator starts without them.
 */
import { isFound } from "../placement/index.ts";
import type { RoomEvent } from "../shared/events.ts";
import type { PlacementId } from "../shared/ids.ts";
import type { ModelSummary } from "../shared/model.ts";
import type { Decision, Placement, RoomState, Stage } from "../shared/state.ts";
import { describeChoice, describeRefusal } from "../words/index.ts";
import { capacityKey, circumstancesOf, whatChanged, type Circumstances } from "./circumstances.ts";
import {
  decidePlacement,
  linksMeasured,
  refusalOf,
  solveGuarded,
  type PlacementParts,
} from "./decide-placement.ts";
import { checkStages } from "./manual-placement.ts";
import { idInEpoch } from "./numbering.ts";
import { costOf, problemOf } from "./room-problem.ts";
import type { Attempts, NameOf } from "./rules.ts";
import { violationsOf, weighMove } from "./weigh-move.ts";
import { errorMessage } from "../shared/error-message.ts";

export type PlacerOptions = PlacementParts & {
  readonly state: () => RoomState;
  readonly emit: (event: RoomEvent) => void;
  readonly nameOf: NameOf;
  /** A decision has been made or given up: the rules may have another step. */
  readonly onSettled: () => void;
};

type Chosen = Pick<Placement, "model" | "stages" | "predictedMs">;

/** Until a placement has loaded: weights from this machine's store, to the GPU. */
const FIRST_LOAD_BYTES_PER_MS = 50_000;
/** A load that took less than this tells nothing of a rate. */
const LEAST_LOAD_MS = 100;

export class Placer {
  readonly #options: PlacerOptions;
  #count = 0;
  #solving = false;
  /** Settles with the attempt under way; never rejects. */
  #underWay: Promise<unknown> = Promise.resolve();
  #seen: Circumstances | null = null;
  #lastKey: string | null = null;
  #reviewDue = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #restsUntilMs = -Infinity;
  #postponed: string | null = null;
  #accepted: ReadonlySet<string> | null = null;
  #loaded: string | null = null;
  #decidedAtMs = 0;
  #loadBytesPerMs = FIRST_LOAD_BYTES_PER_MS;

  constructor(options: PlacerOptions) {
    this.#options = options;
  }

  get attempts(): Attempts {
    return { solving: this.#solving, lastKey: this.#lastKey, reviewDue: this.#reviewDue };
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** After every event: times loads, and looks again soon when circumstances changed. */
  note(event: RoomEvent): void {
    if (event.type === "placement_readied") this.#timeLoad();
    const { placement } = this.#state;
    if (!placement?.ready || placement.error !== null || this.#solving || this.#timer) return;
    if (capacityKey(this.#state) !== this.#lastKey) this.#lookIn(this.#options.timings.settleMs);
  }

  placeStages(model: ModelSummary, stages: readonly Stage[]): number {
    checkStages(this.#state, model, stages);
    const chosen = { model, stages: [...stages], predictedMs: null };
    this.#tell({ ...this.#plain(model), trigger: "A person", reason: "Chosen by hand." });
    return this.#decide(chosen);
  }

  async placeModel(model: ModelSummary): Promise<number> {
    while (this.#solving) await this.#underWay;
    return this.#attempt(async () => {
      const { choice, ...decided } = await this.#solve(model);
      const reason = describeChoice(choice);
      this.#tell({ ...this.#plain(model), trigger: "A person", reason });
      return this.#decide({ model, ...decided });
    });
  }

  /** After a loss. Never rejects: what goes wrong is said of the placement that was lost. */
  placeAgain(model: ModelSummary): void {
    const lost = this.#state.placement;
    const trigger = (lost?.error ?? "The placement was lost").replace(/\.$/, "");
    void this.#attempt(async () => {
      try {
        const { choice, ...decided } = await this.#solve(model);
        const reason = describeChoice(choice);
        this.#tell({ ...this.#plain(model), outcome: "moved", trigger, reason });
        this.#decide({ model, ...decided });
      } catch (error) {
        if (!lost || this.#state.placement?.id !== lost.id) return;
        const message =
          `${lost.error ?? ""} It cannot be placed anew: ${errorMessage(error)}`.trim();
        this.#tell({ ...this.#plain(model), outcome: "impossible", trigger, reason: message });
        this.#options.emit({ type: "placement_failed", placement: lost.id, error: message });
      }
    });
  }

  /** Weighs what runs against what the solver proposes now. Never rejects. */
  review(): void {
    this.#reviewDue = false;
    void this.#attempt(() => this.#weigh());
  }

  async #weigh(): Promise<void> {
    const { state, planner, timings, nameOf } = this.#options;
    const weighed = state().placement;
    await linksMeasured(state, timings.linksMs);
    const before = this.#seen;
    const changed = whatChanged(before, this.#state, nameOf);
    this.#see();
    const trigger = [this.#postponed, changed].filter((part) => part !== null).join(", ");
    if (weighed === null || trigger === "") return;
    const { model } = weighed;
    const built = problemOf(this.#state, model, { loadBytesPerMs: this.#loadBytesPerMs });
    const { answer } = await solveGuarded(built.problem, { planner, timings });
    const placement = this.#state.placement;
    if (placement?.id !== weighed.id || placement.error !== null) return;
    if (!isFound(answer)) {
      const refusal = refusalOf(model, answer, built.brokenRules);
      const reason = `The current placement stays because there is no other. ${describeRefusal(refusal, (id) => id)}`;
      return this.#tell({ ...this.#plain(model), outcome: "impossible", trigger, reason });
    }
    this.#accepted ??= new Set(violationsOf({ built, placement }));
    const restMs = this.#restsUntilMs - performance.now();
    const result = weighMove({
      built,
      placement,
      proposed: answer,
      settings: this.#state.settings,
      loadBytesPerMs: this.#loadBytesPerMs,
      accepted: this.#accepted,
      reload: this.#loaded !== null && this.#loaded !== loadedSettings(this.#state),
      resting: restMs > 0 && before?.settings === this.#seen?.settings,
    });
    const { postponed, ...decision } = result;
    this.#postponed = postponed ? trigger : null;
    if (postponed) this.#lookIn(restMs);
    const isMove = decision.outcome === "moved";
    this.#tell({ ...decision, model: model.name, trigger }, isMove);
    if (!isMove) return;
    this.#restsUntilMs = performance.now() + timings.restMs;
    const { msPerToken } = costOf(built.problem, answer.stages);
    this.#decide({ model, stages: [...answer.stages], predictedMs: msPerToken });
  }

  get #state(): RoomState {
    return this.#options.state();
  }

  #solve(model: ModelSummary) {
    this.#see();
    return decidePlacement(this.#options.state, model, this.#options).then((decided) => {
      this.#see();
      return decided;
    });
  }

  #see(): void {
    this.#seen = circumstancesOf(this.#state);
    this.#lastKey = capacityKey(this.#state);
  }

  /** One attempt at a time. */
  async #attempt<T>(act: () => Promise<T>): Promise<T> {
    this.#solving = true;
    const attempt = act();
    this.#underWay = attempt.catch(() => undefined);
    try {
      return await attempt;
    } finally {
      this.#solving = false;
      this.#options.onSettled();
    }
  }

  #lookIn(delayMs: number): void {
    this.stop();
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#reviewDue = true;
      this.#options.onSettled();
    }, delayMs);
  }

  #decide(chosen: Chosen): number {
    const { epoch, settings } = this.#state;
    const id = idInEpoch(epoch, ++this.#count);
    const placement: Placement = {
      id: id as PlacementId,
      ...chosen,
      contextTokens: Math.min(settings.contextTokens, chosen.model.contextTokens),
      generationSlots: settings.generationSlots,
      ready: false,
      error: null,
    };
    this.#see();
    const built = problemOf(this.#state, chosen.model);
    this.#accepted = new Set(violationsOf({ built, placement }));
    this.#loaded = loadedSettings(this.#state);
    this.#decidedAtMs = performance.now();
    this.#options.emit({ type: "placement_decided", placement });
    return id;
  }

  #plain(model: ModelSummary): Omit<Decision, "trigger" | "reason"> {
    const none = { currentMs: null, proposedMs: null, gainMs: null, bytesToLoad: 0 };
    return { outcome: "placed", model: model.name, ...none };
  }

  #tell(decision: Decision, interrupts = false): void {
    const running = this.#state.generations.filter(({ status }) => status === "running").length;
    const waits =
      interrupts && running > 0
        ? ` ${running === 1 ? "The answer that is being written waits" : `The ${running} answers that are being written wait`} until it has loaded, then go${running === 1 ? "es" : ""} on.`
        : "";
    const reason = `${decision.reason}${waits}`;
    this.#options.emit({ type: "placement_reviewed", decision: { ...decision, reason } });
  }

  /** The slowest member decides how fast a placement loads. */
  #timeLoad(): void {
    const elapsedMs = performance.now() - this.#decidedAtMs;
    const { placement, members } = this.#state;
    if (!placement || this.#decidedAtMs === 0 || elapsedMs < LEAST_LOAD_MS) return;
    const loaded = members.map(({ shard }) =>
      shard?.placement === placement.id ? shard.totalBytes : 0,
    );
    const most = Math.max(0, ...loaded);
    if (most > 0) this.#loadBytesPerMs = most / elapsedMs;
  }
}

/** The settings that a loaded shard is built with. */
function loadedSettings({ settings }: RoomState): string {
  const { contextTokens, generationSlots, activations } = settings;
  return JSON.stringify([contextTokens, generationSlots, activations]);
}
