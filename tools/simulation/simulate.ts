/**
 * Runs one schedule and checks what must hold.
 *
 *   one coordinator   the events of an epoch that anyone applied come from one coordinator
 *   one log           two members that applied an event of the same epoch and index applied the same
 *   one room          after the last fault all tabs are in one room with one state
 *   answers end       each with its tokens, or with a reason that a room may give
 *   right tokens      those of an undisturbed run, also after an interruption
 *   no leaks          after all left: no timers, no listeners, no links
 */
import { isDeepStrictEqual } from "node:util";
import type { RoomClient } from "../../src/cluster/index.ts";
import { DEFAULT_SETTINGS, type RoomFailure } from "../../src/shared/index.ts";
import { MODEL_URL } from "../room/test-room.ts";
import type { Fault, Schedule } from "./schedule.ts";
import {
  type PlantedBug,
  SimulatedRoom,
  type SimulatedAnswer,
  type SimulatedTab,
} from "./simulated-room.ts";

export type Invariant =
  | "one_coordinator"
  | "one_log"
  | "one_room"
  | "answers_end"
  | "right_tokens"
  | "no_leaks"
  | "no_crash";

export type Violation = { readonly invariant: Invariant; readonly detail: string };

export type Outcome = {
  readonly violations: readonly Violation[];
  readonly virtualMs: number;
  readonly answers: {
    readonly finished: number;
    readonly failed: number;
    readonly interrupted: number;
  };
  /** How often answers failed, by reason. */
  readonly failures: readonly RoomFailure["reason"][];
};

/** After the last fault: the server gives up a name after 90 s, and newcomers try again. */
const RECOVERY_MS = 240_000;
const ENDING_MS = 60_000;
const CHECK_MS = 500;

export type SimulateOptions = {
  readonly bug?: PlantedBug | null;
  /** Called with what happens, for people. */
  readonly trace?: (line: string) => void;
};

export async function simulate(
  schedule: Schedule,
  { bug = null, trace }: SimulateOptions = {},
): Promise<Outcome> {
  const run = new Run(schedule, bug, trace ?? null);
  const onRejection = (error: unknown) => run.crashed(error);
  process.on("unhandledRejection", onRejection);
  try {
    return await run.finish();
  } finally {
    process.off("unhandledRejection", onRejection);
  }
}

class Run {
  readonly #schedule: Schedule;
  readonly #room: SimulatedRoom;
  readonly #violations: Violation[] = [];
  /** The present tab of each member of the schedule. */
  readonly #tabs: SimulatedTab[] = [];
  /** By opening of the room and epoch. */
  readonly #coordinators = new Map<string, string>();
  /** The opening of the room that a tab's log began with. */
  readonly #openings = new Map<SimulatedTab, number>();
  readonly #events = new Map<string, string>();
  readonly #trace: ((line: string) => void) | null;
  #lastFaultEndsMs = 0;

  constructor(schedule: Schedule, bug: PlantedBug | null, trace: ((line: string) => void) | null) {
    this.#schedule = schedule;
    this.#trace = trace;
    this.#room = new SimulatedRoom(schedule.seed, bug);
    this.#room.onJoined = (tab, client) => this.#observe(tab, client);
    if (trace) this.#traceMessages();
  }

  crashed(error: unknown): void {
    this.#violate(
      "no_crash",
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    );
  }

  async finish(): Promise<Outcome> {
    const { world, tabs, answers } = this.#room;
    this.#plan();
    const settled = () => this.#violations.length > 0 || this.#isSettled();
    await world.run(this.#lastFaultEndsMs);
    for (let passedMs = 0; passedMs < RECOVERY_MS && !settled(); passedMs += CHECK_MS) {
      await world.run(world.nowMs + CHECK_MS);
    }
    const virtualMs = world.nowMs;
    this.#checkRoom();
    this.#checkAnswers();
    for (const tab of tabs) this.#room.leave(tab);
    await world.run(world.nowMs + ENDING_MS);
    this.#checkLeaks();
    const ended = (kind: string) => answers.filter(({ end }) => end?.kind === kind);
    return {
      violations: this.#violations,
      virtualMs,
      answers: {
        finished: ended("finished").length,
        failed: ended("failed").length,
        interrupted: answers.filter(({ events }) => events.includes("interrupted")).length,
      },
      failures: answers.flatMap(({ end }) => (end?.kind === "failed" ? [end.failure.reason] : [])),
    };
  }

  #plan(): void {
    const { world } = this.#room;
    const { members, asks, faults } = this.#schedule;
    members.forEach((plan, index) => {
      world.after(plan.joinsAtMs, () => {
        this.#tabs[index] = this.#room.start(`m${index}`, plan);
      });
    });
    for (const plan of asks) {
      this.#lastFaultEndsMs = Math.max(this.#lastFaultEndsMs, plan.atMs + 1);
      world.after(plan.atMs, () => this.#ask(plan));
    }
    for (const fault of faults) {
      const forMs =
        "forMs" in fault
          ? fault.forMs
          : "returnsAfterMs" in fault
            ? (fault.returnsAfterMs ?? 0)
            : 0;
      this.#lastFaultEndsMs = Math.max(this.#lastFaultEndsMs, fault.atMs + forMs + 1);
      world.after(fault.atMs, () => this.#apply(fault));
    }
  }

  #ask(plan: Schedule["asks"][number]): void {
    const tab = this.#tabs[plan.member];
    // Without a model there is nothing to ask.
    if (!tab?.client?.state.placement || tab.left) return;
    this.#room.world.deliver(tab.actor, () => void this.#room.ask(tab, plan));
  }

  #apply(fault: Fault): void {
    const { world, network } = this.#room;
    this.#tell(JSON.stringify(fault));
    const tab = "member" in fault ? this.#tabs[fault.member] : undefined;
    switch (fault.kind) {
      case "killed":
      case "power_lost":
      case "left": {
        if (!tab) return;
        if (fault.kind === "left") this.#room.leave(tab);
        else this.#room.kill(tab, fault.kind === "killed");
        if (fault.returnsAfterMs === null) return;
        const { member } = fault;
        const name = fault.keepsId ? tab.id : `m${member}r${Math.floor(world.nowMs)}`;
        const before = fault.keepsId ? tab : null;
        world.after(fault.returnsAfterMs, () => {
          const isPresent = this.#present().some(({ id }) => id === name);
          const plan = this.#schedule.members[member]!;
          if (!isPresent) this.#tabs[member] = this.#room.start(name, plan, before);
        });
        return;
      }
      case "frozen":
        if (!tab || tab.actor.state !== "running") return;
        tab.actor.state = "frozen";
        world.after(fault.forMs, () => world.thaw(tab.actor));
        return;
      case "link_cut": {
        const other = this.#tabs[fault.other];
        if (!tab || !other) return;
        network.cut(tab.id, other.id, 1);
        world.after(fault.forMs, () => network.cut(tab.id, other.id, -1));
        return;
      }
      case "partition":
        return this.#partition(fault);
      case "server_down": {
        const ids = this.#tabs.map(({ id }) => id);
        for (const id of ids) network.cutServer(id, 1);
        world.after(fault.forMs, () => ids.forEach((id) => network.cutServer(id, -1)));
        return;
      }
      case "renamed": {
        const { client, actor, left } = tab ?? {};
        if (!client || !actor || left) return;
        const name = `at ${Math.floor(world.nowMs)}`;
        const rename = () => void client.dispatch({ type: "rename", name }).catch(() => undefined);
        return world.deliver(actor, rename);
      }
    }
  }

  #partition(fault: Extract<Fault, { kind: "partition" }>): void {
    const { world, network } = this.#room;
    const here = this.#tabs.filter((_, index) => fault.side.includes(index)).map(({ id }) => id);
    const there = this.#tabs.filter((_, index) => !fault.side.includes(index)).map(({ id }) => id);
    const cut = (by: 1 | -1) => {
      for (const a of here) for (const b of there) network.cut(a, b, by);
      for (const id of fault.withServer ? there : here) network.cutServer(id, by);
    };
    cut(1);
    world.after(fault.forMs, () => cut(-1));
  }

  #observe(tab: SimulatedTab, client: RoomClient): void {
    if (this.#tabs[0] === tab) {
      const settings = { ...DEFAULT_SETTINGS, contextTokens: 128, telemetryIntervalMs: 30_000 };
      client.dispatch({ type: "change_settings", settings }).catch(() => undefined);
      this.#room.world.after(4_000, () => {
        if (tab.left || tab.actor.state === "dead") return;
        client.place({ model: MODEL_URL }).catch(() => undefined);
      });
    }
    const follow = () => {
      const { coordinator } = client.state;
      const isOpener = coordinator === tab.id && !this.#openings.has(tab);
      const leader = this.#room.tabs.findLast(({ id }) => id === coordinator) ?? tab;
      const opening = isOpener ? tab.number : this.#openings.get(leader);
      if (client.connection === "connected" && opening !== undefined) {
        this.#openings.set(tab, opening);
      }
    };
    follow();
    client.subscribe(({ event }) => {
      const { state, connection, coordinates } = client;
      const told = event ? JSON.stringify(event).slice(0, 200) : connection;
      const who = coordinates ? "coordinates" : `follows ${state.coordinator}`;
      if (this.#trace) this.#tell(`${tab.id} ${who}, epoch ${state.epoch}: ${told}`);
      if (event === null) return follow();
      const { coordinator } = client.state;
      const opening = this.#openings.get(tab) ?? "unknown";
      const epoch = `${opening}/${event.epoch}`;
      const known = this.#coordinators.get(epoch);
      if (known === undefined) this.#coordinators.set(epoch, coordinator);
      else if (known !== coordinator) {
        this.#violate(
          "one_coordinator",
          `epoch ${epoch}: ${tab.id} follows ${coordinator}, another member ${known}`,
        );
      }
      const key = `${epoch}/${event.index}`;
      const json = JSON.stringify(event.event);
      const before = this.#events.get(key);
      if (before === undefined) this.#events.set(key, json);
      else if (!isSame(before, json))
        this.#violate("one_log", `${tab.id} at ${key}: ${json} instead of ${before}`);
    });
  }

  #tell(line: string): void {
    this.#trace?.(`${(this.#room.world.nowMs / 1000).toFixed(3)} ${line}`);
  }

  #traceMessages(): void {
    const { network } = this.#room;
    const { passes } = network;
    network.passes = (from, to, message) => {
      const { type } = message as { type: string };
      if (!QUIET.has(type))
        this.#tell(`${from} to ${to}: ${JSON.stringify(message).slice(0, 160)}`);
      return passes(from, to, message);
    };
  }

  #present(): SimulatedTab[] {
    return this.#room.tabs.filter(({ actor, left }) => actor.state !== "dead" && !left);
  }

  #isSettled(): boolean {
    return this.#disagreement() === null && this.#room.answers.every((answer) => isOver(answer));
  }

  /** Why the tabs are not one room that is at rest, or null. */
  #disagreement(): string | null {
    const tabs = this.#present();
    const [first] = tabs;
    if (!first) return null;
    const outside = tabs.find(({ client }) => client?.connection !== "connected");
    if (outside) return `${outside.id} is ${outside.client?.connection ?? "not in the room"}`;
    const coordinators = tabs.filter(({ client }) => client?.coordinates).map(({ id }) => id);
    if (coordinators.length !== 1) return `coordinators: ${coordinators.join(", ") || "none"}`;
    const state = first.client!.state;
    const expected = JSON.stringify(state);
    const other = tabs.find(({ client }) => !isSame(JSON.stringify(client!.state), expected));
    if (other) return `${other.id} has another state than ${first.id}`;
    const members = state.members.map(({ id }) => id as string).sort();
    const present = tabs.map(({ id }) => id as string).sort();
    if (members.join() !== present.join())
      return `members ${members.join()}, present ${present.join()}`;
    if (state.generations.length > 0) return `${state.generations.length} answers are in the state`;
    if (this.#room.names.holder !== coordinators[0])
      return `${this.#room.names.holder} has the name`;
    return null;
  }

  #checkRoom(): void {
    const disagreement = this.#disagreement();
    if (disagreement !== null) this.#violate("one_room", disagreement);
  }

  #checkAnswers(): void {
    for (const answer of this.#room.answers) {
      const { tokens, expected, end, tab, events } = answer;
      const told = `${tab.id}: ${events.join(" ")}`;
      if (tokens.some((token, index) => token !== expected[index])) {
        this.#violate("right_tokens", `${tokens.join()} instead of ${expected.join()}; ${told}`);
      } else if (!isOver(answer)) this.#violate("answers_end", `no end; ${told}`);
      else if (end?.kind === "finished" && !tab.left && tokens.length !== expected.length) {
        this.#violate("right_tokens", `${tokens.length} of ${expected.length} tokens; ${told}`);
      } else if (end?.kind === "failed" && !tab.left && !isAccepted(answer, end.failure)) {
        this.#violate("answers_end", `${JSON.stringify(end.failure)}; ${told}`);
      }
    }
  }

  #checkLeaks(): void {
    for (const { id, actor, transport } of this.#room.tabs) {
      if (actor.state === "dead") continue;
      const { subscriptions, ends } = transport;
      if (actor.timers + subscriptions + ends.size > 0) {
        this.#violate(
          "no_leaks",
          `${id}: ${actor.timers} timers, ${subscriptions} listeners, ${ends.size} links`,
        );
      }
    }
  }

  #violate(invariant: Invariant, detail: string): void {
    if (this.#violations.length < 10) this.#violations.push({ invariant, detail });
  }
}

/** Messages that a trace leaves out. */
const QUIET: ReadonlySet<string> = new Set(["events", "command", "result"]);

/** A requester gives up on links that stay cut. */
const MAX_RESUMES = 8;

/**
 * Reasons for which an answer may end without its tokens: the members that are there cannot hold the
 * model, or two of its stages cannot reach each other. A placement around a cut link is not tried.
 */
const ACCEPTED: ReadonlySet<RoomFailure["reason"]> = new Set([
  "not_placed_again",
  "no_model_placed",
  "stage_load_failed",
]);

function isAccepted({ events }: SimulatedAnswer, { reason }: RoomFailure): boolean {
  const attempts = events.filter((kind) => kind === "queued").length;
  return ACCEPTED.has(reason) || attempts > MAX_RESUMES;
}

function isOver({ end, tab }: SimulatedAnswer): boolean {
  return end !== null || tab.actor.state === "dead" || tab.left;
}

/** Whether two JSON texts have the same value; the order of keys is lost on the way. */
function isSame(left: string, right: string): boolean {
  return left === right || isDeepStrictEqual(JSON.parse(left), JSON.parse(right));
}
