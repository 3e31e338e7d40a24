/**
 * The generations of one stage. Each has a sequence slot of the shard's KV cache,
 * its tokens, and its sampling and end conditions. One that was interrupted keeps its slot
 * and its rows until it is resumed, or another needs the slot. Knows no channels.
 */
import type { SampleRequest } from "../engine/index.ts";
import type { PromptFrame, TokenFrame } from "../mesh/index.ts";
import type { GenerationId, MemberId, Sampling } from "../shared/index.ts";
import { randomAt } from "./random.ts";
import { MAX_SAVED_BYTES, SavedRows } from "./saved-rows.ts";
import type { ChainPart } from "./shard-chain.ts";

/** What `part` of a chain lacks: the rows `[0, rows)`, which the other part has. `inputs` are those after the front. */
export type Behind = {
  readonly part: ChainPart;
  readonly rows: number;
  readonly inputs: SavedRows;
};

export class Generation {
  readonly prompt: PromptFrame;
  readonly slot: number;
  /** Prompt and answer; complete on the last stage only. */
  readonly tokens: number[];
  /** The first position that is neither computed nor queued. */
  nextPosition = 0;
  /** Stage 0: when it sent the lap in flight. */
  sentAtMs = 0;
  /** The cache has the rows `[0, computed)` of this stage's layers. */
  computed = 0;
  /** What this stage has computed for the next one. */
  saved: SavedRows;
  /** The first row that the next stage gets: it has those before. */
  sendFrom = 0;
  /** After the shard became a chain: what the new part lacks, until the answer is resumed. */
  behind: Behind | null = null;
  /** Of a chain: rows before this one are computed by the front only; the back has them. */
  frontUntil = 0;
  /** A resumed prompt whose next stage has not said yet which rows it lacks. */
  awaitsResume = false;
  /** Stage 0: the token after a resumed prompt, which may overtake what the next stage says. */
  earlyToken: TokenFrame | null = null;
  /** When this stage last had or did a part of it, and how long its part of the prompt took. */
  readonly admittedMs: number;
  activeMs: number;
  promptMs = 0;
  /** Its lap has been reported as late. */
  isLate = false;

  constructor(
    prompt: PromptFrame,
    slot: number,
    nowMs: number,
    saved = new SavedRows(MAX_SAVED_BYTES),
    computed = 0,
  ) {
    this.admittedMs = this.activeMs = nowMs;
    this.prompt = prompt;
    this.slot = slot;
    this.saved = saved;
    this.computed = computed;
    this.tokens = Array.from(prompt.tokens);
  }

  /**
   * Plans a resumed prompt on this stage: `need` is the first row that the next stage lacks, or on the
   * last stage the one to sample from. Returns the first row that this stage computes; rows
   * `[need, sendFrom)` are kept, and need not be computed.
   */
  resume(need: number): number {
    const last = this.promptLength;
    this.sendFrom = Math.max(need, Math.min(this.saved.end, last));
    this.awaitsResume = false;
    const { behind } = this;
    if (behind?.part === "front") this.frontUntil = Math.min(behind.rows, this.sendFrom);
    // The back gets its rows from those that the front has sent.
    this.nextPosition =
      behind?.part === "back"
        ? Math.min(behind.rows, last)
        : Math.min(this.computed, this.sendFrom);
    return this.nextPosition;
  }

  get id(): GenerationId {
    return this.prompt.generation;
  }
  get promptLength(): number {
    return this.prompt.tokens.length;
  }

  /** How the engine samples the token after `position`; null inside the prompt. */
  sampleAfter(position: number): SampleRequest | null {
    if (position < this.promptLength - 1) return null;
    const { sampling } = this.prompt;
    return {
      sampling,
      random: randomAt(sampling.seed, position),
      recentTokens: Uint32Array.from(
        hasPenalties(sampling) && sampling.penaltyTokens > 0
          ? this.tokens.slice(-sampling.penaltyTokens)
          : [],
      ),
    };
  }

  /** Whether the row at `position` can be computed before its token is known, and has not been queued. */
  continuesAt(position: number, contextTokens: number): boolean {
    return (
      position === this.nextPosition &&
      !hasPenalties(this.prompt.sampling) &&
      !this.#isFull(position, contextTokens)
    );
  }

  /** Adds a sampled token; returns its position and whether it is the last one. */
  append(
    token: number,
    contextTokens: number,
  ): { position: number; finish: "stop" | "length" | null } {
    const position = this.tokens.push(token) - 1;
    if (this.prompt.endTokens.includes(token)) return { position, finish: "stop" };
    return { position, finish: this.#isFull(position, contextTokens) ? "length" : null };
  }

  /**
   * Whether the answer ends with the token at `position`. The cache has no place for a token at
   * `contextTokens`, so none can follow it.
   */
  #isFull(position: number, contextTokens: number): boolean {
    return position + 1 - this.promptLength >= this.prompt.maxTokens || position >= contextTokens;
  }
}

function hasPenalties(sampling: Sampling): boolean {
  return (
    sampling.repetitionPenalty !== 1 ||
    sampling.presencePenalty !== 0 ||
    sampling.frequencyPenalty !== 0
  );
}

/** Generations by id, over a fixed number of sequence slots of one shard. */
export class GenerationTable {
  readonly slots: number;
  readonly #byId = new Map<GenerationId, Generation>();
  /** Interrupted ones, oldest first. */
  #kept: Generation[] = [];
  /** Of hidden rows, for each slot. */
  readonly #savedBytes: number;
  #freeSlots: number[];

  constructor(slots: number, maxSavedBytes = MAX_SAVED_BYTES) {
    this.slots = slots;
    this.#savedBytes = maxSavedBytes / slots;
    // `pop` takes the lowest slot first.
    this.#freeSlots = Array.from({ length: slots }, (_, index) => slots - 1 - index);
  }

  get(id: GenerationId): Generation | undefined {
    return this.#byId.get(id);
  }
  all(): Generation[] {
    return [...this.#byId.values()];
  }
  hasFreeSlot(): boolean {
    return this.#freeSlots.length + this.#kept.length > 0;
  }

  /** Null if no slot is free, or the id is in use. A resumed prompt gets what was kept of its answer. */
  add(prompt: PromptFrame, nowMs: number): Generation | null {
    if (this.#byId.has(prompt.generation)) return null;
    const kept = this.#kept.find((other) => continues(prompt, other.prompt));
    if (kept === undefined && this.#freeSlots.length === 0) this.#drop(this.#kept[0]);
    else this.#kept = this.#kept.filter((other) => other !== kept);
    const slot = kept?.slot ?? this.#freeSlots.pop();
    if (slot === undefined) return null;
    const saved = kept?.saved ?? new SavedRows(this.#savedBytes);
    const computed = Math.min(kept?.computed ?? 0, prompt.tokens.length);
    const generation = new Generation(prompt, slot, nowMs, saved, computed);
    generation.behind = kept?.behind ?? null;
    this.#byId.set(generation.id, generation);
    return generation;
  }

  /** `keep`: it may be resumed. */
  remove(generation: Generation, keep = false): void {
    if (this.#byId.get(generation.id) !== generation) return;
    this.#byId.delete(generation.id);
    this.#kept.push(generation);
    if (!keep) this.#drop(generation);
  }

  /** The shard has become a chain, in which `part` is new. No generation runs. */
  extend(part: ChainPart): void {
    for (const kept of this.#kept) {
      const inputs = kept.saved;
      // What is behind already, from an earlier extension, is computed again.
      const rows = kept.behind === null ? kept.computed : 0;
      kept.computed = 0;
      kept.behind = { part, rows: part === "front" ? rows : Math.min(rows, inputs.end), inputs };
      if (part === "back") kept.saved = new SavedRows(this.#savedBytes);
    }
  }

  /** Forgets what was kept for requesters that are gone. */
  keepOnly(isMember: (requester: MemberId) => boolean): void {
    for (const kept of [...this.#kept]) if (!isMember(kept.prompt.requester)) this.#drop(kept);
  }

  #drop(kept: Generation | undefined): void {
    if (kept === undefined) return;
    this.#kept = this.#kept.filter((other) => other !== kept);
    this.#freeSlots.push(kept.slot);
  }
}

/** Whether a prompt is a later attempt of the same answer. */
function continues(prompt: PromptFrame, before: PromptFrame): boolean {
  return (
    prompt.resumes &&
    prompt.requester === before.requester &&
    prompt.answer === before.answer &&
    before.tokens.every((token, position) => token === prompt.tokens[position])
  );
}
