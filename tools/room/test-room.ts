/** Whole rooms in Node: real clusters, real stage hosts, CPU shards, and memory channels. */
import {
  type AnswerEvent,
  type AskRequest,
  type ModelHost,
  type Planner,
  RoomClient,
  type RoomParts,
  type RoomRegistry,
  type Timings,
} from "../../src/cluster/index.ts";
import { createAdmission, MeshError, type Transport } from "../../src/mesh/index.ts";
import {
  type Clock,
  GREEDY,
  type Member,
  type MemberId,
  type RoomCode,
  type RoomSecret,
  type RoomState,
  type StageListeners,
  SYSTEM_CLOCK,
} from "../../src/shared/index.ts";
import { StageHost } from "../../src/stage/index.ts";
import { CpuShard } from "../cpu/cpu-shard.ts";
import { MemoryNetwork, memoryFramePorts, type MemoryTab } from "./memory-transport.ts";
import { CODE, deviceState, observer, profile, WHOLE } from "./test-data.ts";
import { hostModels, planner } from "./test-host.ts";

const FAST: Partial<Timings> = {
  retryMs: 10,
  linksMs: 300,
  repairMs: 200,
  rejoinMs: 400,
  progressMs: 5,
  sourceRetryMs: 10,
  recoveryMs: 5_000,
  electionMs: 50,
  isolationMs: 100,
  watchMs: 50,
  settleMs: 30,
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
  /** Ends without notice, like a tab that was killed. */
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
