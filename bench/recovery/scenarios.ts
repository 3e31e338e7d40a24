/**
 * What can be lost in the middle of an answer, and what a member that only asks sees of it. Each
 * scenario has a room of its own; all times are from the loss on, by the clock of this machine.
 */
import {
  answerUntil,
  type BenchRoom,
  type Member,
  promptTokens,
  type Watcher,
} from "./bench-room.ts";
import type { AnswerReply, Change } from "./requests.ts";
import type { Row } from "./rows.ts";

/** The machines of a room: three compute. */
export type Crew = {
  readonly room: BenchRoom;
  readonly watcher: Watcher;
  readonly coordinator: Member;
  readonly second: Member;
  readonly third: Member;
};

export type Scenario = {
  readonly name: string;
  run(crew: Crew): Promise<Row[]>;
};

const CONTEXT_TOKENS = 200;
const ANSWER_TOKENS = 40;
/** Of the layers, with one of three stages. */
const LOST_SHARE = 1 / 3;
/** The loss comes after so many tokens. */
const TOKENS_BEFORE = 8;
const TIMEOUT_MS = 120_000;

/** A clean leave or a closed channel: one message, or the browser's own notice. */
const AT_ONCE_MS = 500;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "a stage's process is killed",
    run: async (crew) => {
      const { coordinator, second, third } = crew;
      await crew.room.placeOver(coordinator, second, third);
      return lossOfStage(crew, "a stage's process is killed", second, {
        lose: () => second.machine.kill(),
        detectionMs: 1500,
      });
    },
  },
  {
    name: "a stage loses power",
    run: async (crew) => {
      const { coordinator, second, third } = crew;
      await crew.room.placeOver(coordinator, second, third);
      return lossOfStage(crew, "a stage loses power", second, {
        lose: () => second.machine.losePower(),
        detectionMs: 1500,
      });
    },
  },
  {
    name: "a stage's tab is closed",
    run: async (crew) => {
      const { coordinator, second, third } = crew;
      await crew.room.placeOver(coordinator, second, third);
      return lossOfStage(crew, "a stage's tab is closed", second, {
        lose: () => void second.machine.page.close({ runBeforeUnload: true }),
        detectionMs: AT_ONCE_MS,
      });
    },
  },
  {
    name: "a stage's tab is frozen",
    run: async (crew) => {
      const { coordinator, second, third } = crew;
      await crew.room.placeOver(coordinator, second, third);
      return lossOfStage(crew, "a stage's tab is frozen", second, {
        lose: () => void second.machine.freeze(),
        detectionMs: 3000,
      });
    },
  },
  {
    name: "a coordinator without layers is killed",
    run: async (crew) => {
      const { room, watcher, coordinator, second, third } = crew;
      await room.placeOver(second, third);
      const { lostAtMs, answer, undisturbed } = await loseDuringAnswer(watcher, () =>
        coordinator.machine.kill(),
      );
      const pauseMs = longestPause(answer, lostAtMs);
      return [
        { what: "pause when a coordinator without layers dies", value: pauseMs, unit: "ms", bound: 1000, note: `${longestPause(undisturbed, 0)} ms is the longest pause of an undisturbed answer` },
        changedTokens("a coordinator without layers dies", answer, undisturbed),
      ]; // prettier-ignore
    },
  },
  {
    name: "a coordinator without layers loses power",
    run: async (crew) => {
      const { room, watcher, coordinator, second, third } = crew;
      await room.placeOver(second, third);
      const undisturbed = await wholeAnswer(watcher);
      const lostAtMs = Date.now();
      coordinator.machine.losePower();
      const answer = await wholeAnswer(watcher);
      const usualMs = undisturbed.atMs[0]! - undisturbed.askedAtMs;
      const steppedDownMs = await returnOf(coordinator);
      return [
        { what: "room usable after its coordinator loses power", value: (answer.startedAtMs ?? Infinity) - lostAtMs, unit: "ms", bound: 5000, note: `a new answer starts; its first token ${answer.atMs[0]! - lostAtMs} ms after the loss, ${usualMs} ms without one` },
        { what: "two coordinators after it is back", value: steppedDownMs, unit: "ms", bound: 2000, note: "until its own page shows the other one" },
        changedTokens("the coordinator loses power", answer, undisturbed),
      ]; // prettier-ignore
    },
  },
];

async function lossOfStage(
  { watcher }: Crew,
  what: string,
  victim: Member,
  { lose, detectionMs }: { readonly lose: () => void; readonly detectionMs: number },
): Promise<Row[]> {
  const { lostAtMs, answer, undisturbed, changes } = await loseDuringAnswer(watcher, lose);
  const noticed = changes.find(
    ({ atMs, type, member }) =>
      atMs >= lostAtMs &&
      ((type === "member_left" && member === victim.id) || type === "placement_failed"),
  );
  const noticedMs = Math.min(noticed?.atMs ?? Infinity, ...answer.interruptedAtMs) - lostAtMs;
  const firstAfter = answer.atMs.find((atMs) => atMs > lostAtMs + noticedMs) ?? Infinity;
  const prefillMs = undisturbed.atMs[0]! - undisturbed.askedAtMs;
  return [
    { what: `loss noticed, ${what}`, value: noticedMs, unit: "ms", bound: detectionMs, note: noticed?.type ?? "the answer was interrupted" },
    { what: `next token, ${what}`, value: firstAfter - lostAtMs, unit: "ms", bound: 3000 + LOST_SHARE * prefillMs, note: `the bound is 3 s and a third of the prompt, which takes ${prefillMs} ms; bytes from a server on this machine` },
    changedTokens(what, answer, undisturbed),
  ]; // prettier-ignore
}

/** The whole answer, undisturbed, and then the same answer with a loss in its middle. */
async function loseDuringAnswer(watcher: Watcher, lose: () => void) {
  const undisturbed = await wholeAnswer(watcher);
  await watcher.call({ kind: "changes" });
  await ask(watcher);
  await answerUntil(watcher, TIMEOUT_MS, ({ tokens }) => tokens.length >= TOKENS_BEFORE);
  const lostAtMs = Date.now();
  lose();
  const answer = await answerUntil(watcher, TIMEOUT_MS, ({ finished }) => finished);
  const changes = await watcher.call<Change[]>({ kind: "changes" });
  if (answer.error !== null) throw new Error(answer.error);
  return { lostAtMs, answer, undisturbed, changes };
}

/** Ms until a coordinator that was gone knows that another one took its place. */
async function returnOf({ id, machine }: Member): Promise<number> {
  const returnedAtMs = Date.now();
  machine.restorePower();
  const coordinatorOf = () =>
    (
      document.querySelector("tabmesh-app") as unknown as {
        view?: { state?: { coordinator: string } | null };
      } | null
    )?.view?.state?.coordinator ?? null;
  while (Date.now() - returnedAtMs < TIMEOUT_MS) {
    const seen = await machine.page.evaluate(coordinatorOf);
    if (seen !== null && seen !== id) return Date.now() - returnedAtMs;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return Infinity;
}

async function wholeAnswer(watcher: Watcher): Promise<AnswerReply> {
  await ask(watcher);
  const answer = await answerUntil(watcher, TIMEOUT_MS, ({ finished }) => finished);
  if (answer.error !== null) throw new Error(answer.error);
  return answer;
}

async function ask(watcher: Watcher): Promise<void> {
  const tokens = await promptTokens(CONTEXT_TOKENS);
  await watcher.call({ kind: "ask", tokens, maxTokens: ANSWER_TOKENS });
}

/** Between two tokens, the second of which came after `sinceMs`. */
function longestPause({ atMs }: AnswerReply, sinceMs: number): number {
  const pauses = atMs.slice(1).map((at, index) => (at > sinceMs ? at - atMs[index]! : 0));
  return Math.max(...pauses);
}

/** Greedy answers: a lost, repeated, or changed token is a difference. */
function changedTokens(what: string, answer: AnswerReply, undisturbed: AnswerReply): Row {
  const longer = Math.max(answer.tokens.length, undisturbed.tokens.length);
  const changed = Array.from({ length: longer }).filter(
    (_, index) => answer.tokens[index] !== undisturbed.tokens[index],
  ).length;
  const shown = answer.tokens.length;
  return {
    what: `tokens lost or changed, ${what}`,
    value: changed,
    unit: "count",
    bound: 0,
    note: `of ${shown}, against the same answer without a loss`,
  };
}
