/**
 * Whole rooms in Node: real clusters, real stage hosts, CPU shards, and memory channels.
 * Only the model file and its tokenizer are simulated: token t is the character with
 * code 32 + t.
 */
import { MemoryNetwork, memoryFramePorts, type MemoryTab } from "./memory-transport.ts";
import { createAdmission, MeshError, type Transport } from "../../src/mesh/index.ts";
import {
  type Clock,
  SYSTEM_CLOCK,
  MemberId,
  RoomCode,
  type DeviceState,
  type Member,
  type ModelSource,
  type ModelSummary,
  GREEDY,
  type RoomSecret,
  type RoomState,
  type StageListeners,
} from "../../src/shared/index.ts";
import { placementService } from "../../src/placement/index.ts";
import {
  type AnswerEvent,
  type AskRequest,
  type RoomRegistry,
  type ModelHost,
  type ModelText,
  type Planner,
  type RoomParts,
  type Timings,
  RoomClient,
} from "../../src/cluster/index.ts";
import { StageHost } from "../../src/stage/index.ts";
import { cpuDescription, CpuShard, HIDDEN, VOCABULARY } from "../cpu/cpu-shard.ts";
import { LAYERS } from "../cpu/cpu-room.ts";

export const CODE = RoomCode.parse("ABCDEF");
export const MODEL_URL: ModelSource = { kind: "url", url: "https://models.example/tiny.gguf" };
/** Memory that holds the whole test model, or half of its layers. */
export const WHOLE = 10_000;
export const HALF = 3_700;

const FAST: Partial<Timings> = {
  retryMs: 10,
  linksMs: 300,
  repairMs: 200,
  rejoinMs: 400,
  progressMs: 5,
  sourceRetryMs: 10,
  gatherMs: 5,
  recoveryMs: 5_000,
  electionMs: 50,
  isolationMs: 100,
  watchMs: 50,
  settleMs: 30,
};

export function modelSummary(change: Partial<ModelSummary> = {}): ModelSummary {
  return {
    name: "tiny",
    source: MODEL_URL,
    contentId: "tiny-1",
    fileBytes: 7000,
    architecture: "cpu-test",
    quantization: "F32",
    contextTokens: 256,
    vocabulary: VOCABULARY,
    hidden: HIDDEN,
    layers: Array.from({ length: LAYERS }, () => ({
      weightBytes: 1000,
      kvBytesPerToken: 0,
      macs: 1000,
    })),
    embedBytes: 500,
    headBytes: 500,
    headMacs: 500,
    tied: true,
    largestTensorBytes: 500,
    scratch: { fixedBytes: 0, rowBytes: 0, positionBytes: 0, splitBytes: 0, answerBytes: 0 },
    ...change,
  };
}

export function profile(name: string, memoryBytes = WHOLE, change: Partial<Member> = {}): Member {
  return {
    id: MemberId.parse(name),
    name: `Tab ${name}`,
    color: 0,
    adapter: {
      vendor: "test",
      architecture: "cpu",
      device: "",
      description: "plain loops",
      browser: "Node 20",
      software: true,
      features: [],
      maxBufferBytes: 1e9,
      maxStorageBindingBytes: 1e9,
      maxWorkgroupStorageBytes: 16384,
      maxWorkgroupInvocations: 256,
      maxStorageBuffersPerStage: 8,
    },
    noAdapter: null,
    measurements: {
      copyBytesPerMs: 1e6,
      f32FlopsPerMs: 1e6,
      f16FlopsPerMs: null,
      matVecMacsPerMs: 1e6,
      matMulMacsPerMs: 1e6,
      dispatchMs: 0.1,
      readbackMs: 0.1,
      submitWhileWaitingHelps: false,
      memoryBudgetBytes: memoryBytes,
      measuredAtMs: 0,
    },
    device: null,
    shard: null,
    ...change,
  };
}

export const observer: Partial<Member> = {
  adapter: null,
  measurements: null,
  noAdapter: { reason: "observer" },
};

export function deviceState(change: Partial<DeviceState> = {}): DeviceState {
  return {
    memoryBudgetBytes: WHOLE,
    memoryUsedBytes: 0,
    tokensPerSecond: 0,
    stepMs: 1,
    busyFraction: 0,
    throttleRatio: 1,
    pressure: null,
    batteryLevel: null,
    batteryCharging: null,
    visible: true,
    updatedAtMs: 0,
    ...change,
  };
}

export const text: ModelText = {
  encodeChat: (messages) =>
    Promise.resolve(codes(messages.map(({ role, content }) => `<${role}>${content}`).join(""))),
  encodeText: (prompt) => Promise.resolve(codes(prompt)),
  decoder: () => ({ push: (token) => String.fromCharCode(32 + token), flush: () => "" }),
  bytesOf: (token) => Uint8Array.of(32 + token),
  endTokens: new Uint32Array(0),
};

/** The product's solver, in this thread. */
/** A clock that advances with each look, so that answers do not depend on the machine's load. */
let looks = 0;
const MS_PER_LOOK = 0.01;
const service = placementService(() => MS_PER_LOOK * looks++);
export const planner: Planner = {
  solve: (problem, options) => Promise.resolve(service.solve(problem, options)),
  explained: (problem, options) => Promise.resolve(service.explained(problem, options)),
  front: (problem, options) => Promise.resolve(service.front(problem, options)),
};

export type TabOptions = {
  readonly memoryBytes?: number;
  readonly observes?: boolean;
  readonly stepMs?: number;
  readonly stageClock?: Clock;
  readonly mustExist?: boolean;
  readonly planner?: Planner;
  readonly change?: Partial<Member>;
  readonly models?: Partial<ModelHost>;
  /** Called before each load of a shard, which waits for it. */
  readonly beforeLoad?: () => Promise<void>;
  readonly timings?: Partial<Timings>;
  readonly code?: RoomCode;
  /** Joins with the code alone, as a person who types it; by default with the room's secret. */
  readonly byCode?: boolean;
  readonly secret?: RoomSecret;
  readonly tab?: MemoryTab;
  readonly lastKnown?: RoomParts["lastKnown"];
};

export type Tab = {
  readonly id: MemberId;
  readonly client: RoomClient;
  readonly host: StageHost;
  /** The shard that was loaded last, and all of them. */
  readonly shard: () => CpuShard;
  readonly shards: readonly CpuShard[];
  readonly transport: Transport;
  /** What the thread of the tab's stage reports. */
  readonly listeners: StageListeners;
  /** Gone without a word, as a tab that was killed. */
  crash(): void;
};

export class TestRoom {
  readonly network = new MemoryNetwork();
  readonly tabs = new Map<MemberId, Tab>();
  readonly #hosts = new Map<MemberId, StageHost>();
  readonly #linked = new Map<string, { close(): void }>();
  roomHolder: MemberId | null = null;
  readonly reachable = new Set<MemberId>();

  async add(name: string, options: TabOptions = {}): Promise<Tab> {
    const member = profile(name, options.memoryBytes ?? WHOLE, {
      ...(options.observes ? observer : {}),
      ...options.change,
    });
    const { id } = member;
    const { network } = this;
    const admission = createAdmission(
      options.code ?? CODE,
      options.byCode === true ? null : (options.secret ?? network.secret),
      SYSTEM_CLOCK,
    );
    const transport = network.join(id, { ...options.tab, admission });
    const shards: CpuShard[] = [];
    const host = new StageHost((description, shardOptions) => {
      const shard = new CpuShard(description, shardOptions, { stepMs: options.stepMs ?? 0 });
      shards.push(shard);
      return Promise.resolve(shard);
    }, options.stageClock ?? SYSTEM_CLOCK);
    this.#hosts.set(id, host);
    let listeners: StageListeners | null = null;
    const listen = host.listen.bind(host);
    host.listen = (to) => listen((listeners = to));
    const parts: RoomParts = {
      transport,
      admission,
      lastKnown: options.lastKnown ?? { epoch: 0, admits: "code" },
      registry: this.#registry(id),
      stage: host,
      models: { ...hostModels(host, options.beforeLoad), ...options.models },
      planner: options.planner ?? planner,
      linkFrames: (peer) => this.#link(id, peer),
      collectDeviceState: () =>
        Promise.resolve(
          deviceState({ memoryBudgetBytes: member.measurements?.memoryBudgetBytes ?? 0 }),
        ),
      profile: member,
      clock: SYSTEM_CLOCK,
      timings: { ...FAST, ...options.timings },
    };
    this.reachable.add(id);
    try {
      const client = await RoomClient.enter(parts, {
        room: options.code ?? CODE,
        mustExist: options.mustExist ?? false,
      });
      const crash = () => this.#crash(id);
      const tab: Tab = {
        ...{ id, client, host, shard: () => shards.at(-1)!, shards, transport, crash },
        listeners: listeners!,
      };
      this.tabs.set(id, tab);
      return tab;
    } catch (error) {
      this.#crash(id);
      throw error;
    }
  }

  /** Closes the frames channel of two tabs; `heals`: it can be opened again. */
  cutFrames(one: MemberId, other: MemberId, heals: boolean): void {
    const pair = [one, other].sort().join(" ");
    const link = this.#linked.get(pair);
    if (heals) this.#linked.delete(pair);
    link?.close();
  }

  /** All tabs see the same state, and it satisfies `condition`. */
  async until(condition: (state: RoomState) => boolean, what: string): Promise<void> {
    await until(() => [...this.tabs.values()].every(({ client }) => condition(client.state)), what);
  }

  close(): void {
    for (const id of [...this.tabs.keys()]) this.#crash(id);
  }

  #crash(id: MemberId): void {
    const tab = this.tabs.get(id);
    this.tabs.delete(id);
    this.reachable.delete(id);
    if (this.roomHolder === id) this.roomHolder = null;
    for (const [pair, link] of this.#linked) {
      if (!pair.split(" ").includes(id)) continue;
      link.close();
      this.#linked.delete(pair);
    }
    tab?.transport.close();
    tab?.client.leave();
  }

  #registry(id: MemberId): RoomRegistry {
    return {
      lookUp: () => Promise.resolve(this.roomHolder),
      claim: async () => {
        await Promise.resolve();
        if (this.roomHolder !== null && this.roomHolder !== id) return false;
        this.roomHolder = id;
        return true;
      },
      reachesServer: () => Promise.resolve(true),
      release: () => {
        if (this.roomHolder === id) this.roomHolder = null;
      },
    };
  }

  #link(self: MemberId, peer: MemberId): Promise<void> {
    const pair = [self, peer].sort().join(" ");
    const mine = this.#hosts.get(self);
    if (this.#linked.has(pair) && mine) return mine.channelReady(peer);
    const other = this.#hosts.get(peer);
    if (!mine || !other || !this.reachable.has(peer)) {
      return Promise.reject(new MeshError({ reason: "no_such_peer", peer }));
    }
    const [toOther, toMine] = memoryFramePorts(self, peer);
    mine.addPort(toOther);
    other.addPort(toMine);
    this.#linked.set(pair, toOther);
    return mine.channelReady(peer);
  }
}

/** Runs `act` with a room that is closed afterwards. */
export async function withRoom(act: (room: TestRoom) => Promise<void>): Promise<void> {
  const room = new TestRoom();
  try {
    await act(room);
  } finally {
    room.close();
  }
}

export function ask(prompt: string, change: Partial<AskRequest> = {}): AskRequest {
  return {
    input: { kind: "text", prompt },
    sampling: GREEDY,
    maxTokens: 8,
    stop: [],
    ...change,
  };
}

export type Collected = {
  readonly text: string;
  readonly tokens: number[];
  readonly events: AnswerEvent[];
};

export async function collect(answer: AsyncIterable<AnswerEvent>): Promise<Collected> {
  const events: AnswerEvent[] = [];
  for await (const event of answer) events.push(event);
  return {
    events,
    text: events.map((event) => ("text" in event ? event.text : "")).join(""),
    tokens: events.flatMap((event) => (event.kind === "token" ? [event.token] : [])),
  };
}

export async function until(condition: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`waited five seconds for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export function codes(prompt: string): Uint32Array<ArrayBuffer> {
  return Uint32Array.from([...prompt].map((character) => (character.codePointAt(0) ?? 32) - 32));
}

function hostModels(host: StageHost, beforeLoad?: () => Promise<void>): ModelHost {
  return {
    inspect: (source) => Promise.resolve(modelSummary({ source })),
    async loadShard({ missing, contextTokens, sequences, activations, role }, onProgress) {
      await beforeLoad?.();
      onProgress({ phase: "downloading", doneBytes: 0, totalBytes: 1000 });
      const { port1 } = new MessageChannel();
      const options = {
        contextTokens,
        sequences,
        activations,
        memoryBudgetBytes: 1e9,
        submitWhileWaiting: false,
      };
      try {
        return await host.loadShard(
          cpuDescription(missing.first, missing.end, LAYERS),
          options,
          port1,
          () => undefined,
          role,
        );
      } finally {
        port1.close();
      }
    },
    unloadShard: () => host.unloadShard(),
    unloadNext: () => host.unloadNext(),
    text: () => Promise.resolve(text),
  };
}
