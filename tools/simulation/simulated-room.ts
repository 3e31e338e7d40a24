/**
 * A room in virtual time: real clusters and stages over the simulated network.
 *
 * Over 250 lines: a tab's parts, its crash, and its return share the state of the room.
 */
import {
  type AnswerEvent,
  type ModelHost,
  type Planner,
  RoomClient,
  type RoomParts,
} from "../../src/cluster/index.ts";
import {
  type Clock,
  createRoomSecret,
  type Member,
  MemberId,
  roomFailureOf,
  type RecoveryProgress,
  type RoomFailure,
  GREEDY,
  sleep,
  type StagePort,
} from "../../src/shared/index.ts";
import { createAdmission, frameLinks } from "../../src/mesh/index.ts";
import { StageHost } from "../../src/stage/index.ts";
import { cpuDescription } from "../cpu/cpu-shard.ts";
import { LAYERS } from "../cpu/cpu-room.ts";
import {
  CODE,
  deviceState,
  HALF,
  modelSummary,
  observer,
  profile,
  WHOLE,
} from "../room/test-data.ts";
import { text } from "../room/test-host.ts";
import { BridgeServer } from "./bridge.ts";
import { Network, type SimulatedTransport } from "./network.ts";
import type { AskPlan, MemberPlan } from "./schedule.ts";
import { HashShard, referenceTokens, WIDTH } from "./shard.ts";
import { NameServer } from "./signaling.ts";
import { type Actor, newActor, World } from "./world.ts";

/** Bugs that are planted to see whether the simulation finds them. */
export const PLANTED_BUGS = [
  /** A coordinator does not hear of another one. */
  "deaf_coordinator",
  /** A slot of the KV cache keeps the rows of the answer before. */
  "old_rows",
  /** A reloaded tab forgets the room's epoch, and opens it once more. */
  "forgotten_epoch",
  /** A member takes the events of every coordinator for those of its own. */
  "unfenced",
] as const;
export type PlantedBug = (typeof PLANTED_BUGS)[number];

/** All tabs open the link that has it. */
const SECRET = createRoomSecret();

/** A tab from its start to its end; a member that returns is another tab. */
export type SimulatedTab = {
  /** A reloaded tab has the same one. */
  readonly id: MemberId;
  /** The one that was reloaded. */
  readonly before: SimulatedTab | null;
  readonly actor: Actor;
  readonly transport: SimulatedTransport;
  /** The one that it loaded last. */
  shard: HashShard | null;
  /** null until it has joined. */
  client: RoomClient | null;
  /** It left by itself: its answers may end. */
  left: boolean;
};

export type SimulatedAnswer = {
  readonly plan: AskPlan;
  readonly tab: SimulatedTab;
  readonly expected: readonly number[];
  readonly tokens: number[];
  readonly events: AnswerEvent["kind"][];
  /** The longest time without a token, the first one included. */
  longestPauseMs: number;
  /** What it waits for, if it was interrupted. */
  progress: RecoveryProgress | null;
  end:
    | { readonly kind: "finished" }
    | { readonly kind: "failed"; readonly failure: RoomFailure }
    | null;
};

export class SimulatedRoom {
  readonly world: World;
  readonly network: Network;
  readonly names: NameServer;
  readonly bridge: BridgeServer;
  readonly tabs: SimulatedTab[] = [];
  readonly answers: SimulatedAnswer[] = [];
  /** Called for each tab that has joined. */
  onJoined: (tab: SimulatedTab, client: RoomClient) => void = () => undefined;
  readonly #bug: PlantedBug | null;

  constructor(seed: number, bug: PlantedBug | null) {
    this.world = new World(seed);
    this.network = new Network(this.world);
    this.names = new NameServer(this.network, CODE);
    this.bridge = new BridgeServer(this.network, CODE);
    this.#bug = bug;
    if (bug === "deaf_coordinator") {
      this.network.passes = (_from, to, message) => this.#passes(to, message);
    }
    if (bug === "unfenced") {
      this.network.passes = (from, _to, message) => this.#sendToAll(from, message);
    }
  }

  /** Starts a tab, which tries to join until it has. */
  start(name: string, plan: MemberPlan, before: SimulatedTab | null = null): SimulatedTab {
    const { world, network } = this;
    const id = MemberId.parse(name);
    const actor = newActor();
    const clock = world.clockOf(actor, plan.clockRate, world.random() * 1e6);
    const extra = { clock, stepMs: plan.stepMs, keepsOldRows: this.#bug === "old_rows" };
    const host = new StageHost((description, options) => {
      tab.shard = new HashShard(description, options, extra);
      return Promise.resolve(tab.shard);
    }, clock);
    const node = {
      id,
      actor,
      clock,
      addPort: (port: Parameters<StageHost["addPort"]>[0]) => host.addPort(port),
    };
    const transport = network.join(node);
    const linkFrames = frameLinks({
      self: id,
      clock,
      connect: (peer) => transport.connect(peer),
      renew: (peer) => transport.renewFrames(peer),
      ready: (peer) => host.channelReady(peer),
    });
    const computes = plan.computes !== "no";
    const member: Member = profile(
      name,
      plan.computes === "half" ? HALF : WHOLE,
      computes ? {} : observer,
    );
    const parts: RoomParts = {
      transport,
      admission: createAdmission(CODE, SECRET, clock),
      lastKnown: { epoch: this.#keptEpoch(before), admits: "code" },
      registry: this.names.registryOf(node),
      stage: stageOf(host, clock, network),
      models: modelsOf(host),
      planner: GREEDY_PLANNER,
      linkFrames,
      collectDeviceState: () =>
        Promise.resolve(
          deviceState({ memoryBudgetBytes: member.measurements?.memoryBudgetBytes ?? 0 }),
        ),
      profile: member,
      clock,
      random: world.random,
      timings: { cooldownMs: 5_000 },
    };
    const tab: SimulatedTab = {
      id,
      before,
      actor,
      transport,
      shard: null,
      client: null,
      left: false,
    };
    this.tabs.push(tab);
    void this.#enter(tab, parts);
    return tab;
  }

  /** Ends the tab without notice. */
  kill(tab: SimulatedTab, socketsClose: boolean): void {
    if (tab.actor.state === "dead") return;
    tab.actor.state = "dead";
    tab.actor.backlog.length = 0;
    if (!socketsClose) return;
    this.names.socketClosed(tab.id);
    this.bridge.closed(tab.transport.node);
  }

  leave(tab: SimulatedTab): void {
    if (tab.actor.state === "dead") return;
    tab.left = true;
    this.world.thaw(tab.actor);
    tab.client?.leave();
    tab.transport.close();
  }

  async ask(tab: SimulatedTab, plan: AskPlan): Promise<void> {
    const sampling = { ...GREEDY, seed: plan.seed };
    const expected = referenceTokens(plan.prompt, plan.tokens, sampling);
    const answer: SimulatedAnswer = {
      plan,
      tab,
      expected,
      tokens: [],
      events: [],
      longestPauseMs: 0,
      progress: null,
      end: null,
    };
    this.answers.push(answer);
    let lastMs = this.world.nowMs;
    try {
      const input = { kind: "tokens", tokens: plan.prompt } as const;
      const request = { input, sampling, maxTokens: plan.tokens, stop: [] };
      for await (const event of tab.client!.ask(request)) {
        answer.events.push(event.kind);
        if (event.kind === "recovering") answer.progress = event.progress;
        if (event.kind === "token") {
          answer.progress = null;
          answer.tokens.push(event.token);
          const { nowMs } = this.world;
          answer.longestPauseMs = Math.max(answer.longestPauseMs, nowMs - lastMs);
          lastMs = nowMs;
        }
        if (event.kind === "finished") answer.end = { kind: "finished" };
      }
    } catch (error) {
      answer.end = { kind: "failed", failure: roomFailureOf(error) };
    }
  }

  /** A coordinator does not hear of another one. */
  #passes(to: MemberId, message: unknown): boolean {
    const receiver = this.tabs.find(({ id }) => id === to);
    return !receiver?.client?.coordinates || (message as { type: string }).type !== "standing";
  }

  #sendToAll(from: MemberId, message: unknown): true {
    if ((message as { type: string }).type !== "events") return true;
    for (const { actor, client, transport } of this.tabs) {
      if (!client || client.coordinates || client.state.coordinator === from) continue;
      const { coordinator } = client.state;
      const take = () => transport.listeners.message.emit(coordinator, message);
      this.world.after(1, () => this.world.deliver(actor, take));
    }
    return true;
  }

  /** What a tab keeps of the room over reloads, also over one in which it did not come back. */
  #keptEpoch(before: SimulatedTab | null): number {
    if (before === null || this.#bug === "forgotten_epoch") return 0;
    return before.client?.state.epoch ?? this.#keptEpoch(before.before);
  }

  async #enter(tab: SimulatedTab, parts: RoomParts): Promise<void> {
    while (tab.actor.state !== "dead" && !tab.left) {
      try {
        const client = await RoomClient.enter(parts, { room: CODE });
        tab.client = client;
        if (tab.left) client.leave();
        else {
          this.bridge.keep(tab.transport.node, client);
          this.onJoined(tab, client);
        }
        return;
      } catch {
        // A person would try again.
        await sleep(parts.clock, 1000);
      }
    }
  }
}

/** The greedy rules place: the solver is tested elsewhere, and slower. */
const GREEDY_PLANNER: Planner = {
  solve: () => Promise.reject(new Error("no solver")),
  explained: () => Promise.reject(new Error("no solver")),
};

/** What Comlink needs of a port that nobody listens to. */
const NO_PORT = {
  postMessage: () => undefined,
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
} as unknown as MessagePort;

/** The host, without the megabytes that the measurement of a link sends. */
function stageOf(host: StageHost, clock: Clock, network: Network): StagePort {
  return {
    listen: (listeners) => host.listen(listeners),
    setRoom: (self, room) => host.setRoom(self, room),
    setPipeline: (self, pipeline) => host.setPipeline(self, pipeline),
    ask: (request) => host.ask(request),
    cancel: (...end) => host.cancel(...end),
    async measureLink() {
      const roundTripMs = 2 * network.latencyMs();
      await sleep(clock, 10 * roundTripMs);
      return { roundTripMs, bytesPerMs: 10_000 };
    },
  };
}

function modelsOf(host: StageHost): ModelHost {
  return {
    inspect: (source) => Promise.resolve(modelSummary({ source })),
    async loadShard({ missing, contextTokens, generationSlots: sequences, activations, role }) {
      const limits = { memoryBudgetBytes: 1e9, submitWhileWaiting: false };
      const options = { contextTokens, sequences, activations, ...limits };
      const cpu = cpuDescription(missing.first, missing.end, LAYERS);
      const description = { ...cpu, model: { ...cpu.model, hidden: WIDTH } };
      return host.loadShard(description, options, NO_PORT, () => undefined, role);
    },
    unloadShard: () => host.unloadShard(),
    unloadNext: () => host.unloadNext(),
    text: () => Promise.resolve(text),
  };
}
