/**
 * Runs one schedule in a simulated room, and checks the invariants.
 *
 * Over 250 lines: every fault acts on the same run.
 */
import type { RoomClient } from "../../src/cluster/index.ts";
import { DEFAULT_SETTINGS, type RoomFailure } from "../../src/shared/index.ts";
import { MODEL_URL } from "../room/test-data.ts";
import {
  checkAnswer,
  checkBridge,
  checkLeaks,
  disagreement,
  type Invariant,
  isOver,
  LogCheck,
  OverlapCheck,
  presentTabs,
  waitsForMember,
  type Violation,
} from "./invariants.ts";
import type { Fault, Schedule } from "./schedule.ts";
import { type PlantedBug, SimulatedRoom, type SimulatedTab } from "./simulated-room.ts";

export type Outcome = {
  readonly violations: readonly Violation[];
  readonly virtualMs: number;
  readonly answers: {
    readonly finished: number;
    readonly failed: number;
    readonly interrupted: number;
    readonly waiting: number;
  };
  /** The longest time without a token in any answer. */
  readonly longestPauseMs: number;
  /** How often answers failed, by reason. */
  readonly failures: readonly RoomFailure["reason"][];
  /** How long two tabs coordinated although everything reached everything. */
  readonly overlapMs: number;
};

/** After the last fault: the server gives up a name after 90 s, and newcomers try again. */
const RECOVERY_MS = 240_000;
const ENDING_MS = 60_000;
const CHECK_MS = 500;
const LOOK_MS = 100;

export type SimulateOptions = {
  readonly bug?: PlantedBug | null;
  /** Called for each message that arrives: see `World.chooser`. `kill` ends a member's tab at once. */
  readonly choose?: (alternatives: number, kill: (member: number) => void, nowMs: number) => number;
  /** Called with what happens, for people. */
  readonly trace?: (line: string) => void;
};

export async function simulate(
  schedule: Schedule,
  { bug = null, trace, choose }: SimulateOptions = {},
): Promise<Outcome> {
  const run = new Run(schedule, bug, trace ?? null);
  if (choose) run.chooseWith(choose);
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
  readonly #logs: LogCheck;
  readonly #overlap: OverlapCheck;
  readonly #trace: ((line: string) => void) | null;
  #lastFaultEndsMs = 0;
  #isOver = false;

  constructor(schedule: Schedule, bug: PlantedBug | null, trace: ((line: string) => void) | null) {
    this.#schedule = schedule;
    this.#trace = trace;
    this.#room = new SimulatedRoom(schedule.seed, bug);
    this.#logs = new LogCheck((...what) => this.#violate(...what));
    this.#overlap = new OverlapCheck(this.#room, (...what) => this.#violate(...what));
    this.#room.world.onError = (error) => this.crashed(error);
    this.#room.onJoined = (tab, client) => this.#observe(tab, client);
    if (trace) this.#traceMessages();
  }

  crashed(error: unknown): void {
    this.#violate(
      "no_crash",
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    );
  }

  chooseWith(choose: NonNullable<SimulateOptions["choose"]>): void {
    const kill = (member: number) => {
      const tab = this.#tabs[member];
      if (tab) this.#room.kill(tab, true);
    };
    const { world } = this.#room;
    world.chooser = (alternatives) => choose(alternatives, kill, world.nowMs);
  }

  async finish(): Promise<Outcome> {
    const { world, tabs, answers } = this.#room;
    this.#plan();
    const look = () => {
      this.#overlap.look(this.#room.network.isWhole);
      if (!this.#isOver) world.after(LOOK_MS, look);
    };
    look();
    const settled = () => this.#violations.length > 0 || this.#isSettled();
    await world.run(this.#lastFaultEndsMs);
    for (let passedMs = 0; passedMs < RECOVERY_MS && !settled(); passedMs += CHECK_MS) {
      await world.run(world.nowMs + CHECK_MS);
    }
    const virtualMs = world.nowMs;
    this.#isOver = true;
    checkBridge(this.#room, (...what) => this.#violate(...what));
    const apart = disagreement(this.#room);
    if (apart !== null) this.#violate("one_room", apart);
    for (const answer of answers) checkAnswer(answer, (...what) => this.#violate(...what));
    const outcomes = this.#outcomes();
    for (const tab of tabs) this.#room.leave(tab);
    await world.run(world.nowMs + ENDING_MS);
    for (const tab of tabs) checkLeaks(tab, (...what) => this.#violate(...what));
    return {
      violations: this.#violations,
      virtualMs,
      overlapMs: this.#overlap.longestMs,
      ...outcomes,
    };
  }

  #outcomes(): Pick<Outcome, "answers" | "failures" | "longestPauseMs"> {
    const { answers } = this.#room;
    const ended = (kind: string) => answers.filter(({ end }) => end?.kind === kind);
    return {
      answers: {
        finished: ended("finished").length,
        failed: ended("failed").length,
        waiting: answers.filter(waitsForMember).length,
        interrupted: answers.filter(({ events }) => events.includes("interrupted")).length,
      },
      longestPauseMs: Math.max(0, ...answers.map((answer) => answer.longestPauseMs)),
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
          const isPresent = presentTabs(this.#room).some(({ id }) => id === name);
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
      case "channel_closed": {
        const other = this.#tabs[fault.other];
        if (tab && other) tab.transport.ends.get(other.id)?.closeFrames();
        return;
      }
      case "step_failed":
      case "step_hung":
        if (tab?.shard) tab.shard.fault = fault.kind === "step_hung" ? "hangs" : "throws";
        return;
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
    this.#logs.watch(tab, client);
    client.subscribe(({ event }) => {
      const { state, connection, coordinates } = client;
      const told = event ? JSON.stringify(event).slice(0, 200) : connection;
      const who = coordinates ? "coordinates" : `follows ${state.coordinator}`;
      if (this.#trace) this.#tell(`${tab.id} ${who}, epoch ${state.epoch}: ${told}`);
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

  #isSettled(): boolean {
    return disagreement(this.#room) === null && this.#room.answers.every(isOver);
  }

  #violate(invariant: Invariant, detail: string): void {
    if (this.#violations.length < 10) this.#violations.push({ invariant, detail });
  }
}

/** Messages that a trace leaves out. */
const QUIET: ReadonlySet<string> = new Set(["events", "command", "result"]);
