/**
 * Stage hosts with CPU shards, joined by channels in memory: a pipeline without
 * a browser. `Answers` collects the events of a requester.
 */
import { encode, type Frame, type FramePort } from "../../src/mesh/index.ts";
import { memoryFramePorts } from "../room/memory-transport.ts";
import {
  GenerationId,
  MemberId,
  PlacementId,
  GREEDY,
  SYSTEM_CLOCK,
  type Sampling,
  type GenerationFailure,
  type Pipeline,
  type PromptRequest,
  type ShardRole,
  type StageRoom,
  type TokenEvent,
  type Failure,
  type StageObservation,
  type KernelReport,
  FailureError,
} from "../../src/shared/index.ts";
import { type ShardLoader, StageHost, type StageWorker } from "../../src/stage/index.ts";
import { cpuDescription, CpuShard, type CpuShardOptions, VOCABULARY } from "./cpu-shard.ts";

export const LAYERS = 6;

export function member(name: string): MemberId {
  return MemberId.parse(name);
}

/** Layers divided evenly over `members`, in order. */
export function pipelineOver(
  members: readonly MemberId[],
  change: Partial<Pipeline> = {},
): Pipeline {
  const cut = (index: number) => Math.round((index * LAYERS) / members.length);
  const stages = members.map((name, index) => ({
    member: name,
    first: cut(index),
    end: cut(index + 1),
  }));
  const room = {
    contextTokens: 256,
    generationSlots: 3,
    vocabulary: VOCABULARY,
    predictedMs: null,
    linkMs: 0,
  };
  return { placement: PlacementId.parse(1), epoch: 1, stages, ...room, ...change };
}

export function request(
  generation: number,
  tokens: readonly number[],
  change: Partial<Omit<PromptRequest, "sampling">> & { sampling?: Partial<Sampling> } = {},
): PromptRequest {
  const { sampling, ...rest } = change;
  return {
    generation: GenerationId.parse(generation),
    placement: PlacementId.parse(1),
    answer: `answer-${generation}`,
    resumes: false,
    tokens: Uint32Array.from(tokens),
    maxTokens: 12,
    endTokens: [],
    ...rest,
    sampling: { ...GREEDY, ...sampling },
  };
}

/** The events of a requester, for tests that wait for them. */
export class Answers {
  readonly events: TokenEvent[] = [];
  readonly failures: GenerationFailure[] = [];
  readonly deviceErrors: Failure[] = [];
  readonly observations: StageObservation[] = [];
  readonly laps: (readonly number[])[] = [];
  kernels: KernelReport | null = null;
  #waiting: (() => void)[] = [];

  readonly listeners = {
    onToken: (event: TokenEvent) => this.#note(() => this.events.push(event)),
    onFailure: (failure: GenerationFailure) => this.#note(() => this.failures.push(failure)),
    onLaps: (_placement: PlacementId, computeMs: readonly number[]) =>
      this.#note(() => this.laps.push(computeMs)),
    onDeviceError: (cause: Failure) => this.#note(() => this.deviceErrors.push(cause)),
    onObservation: (observation: StageObservation) =>
      this.#note(() => this.observations.push(observation)),
    onKernels: (kernels: KernelReport) => this.#note(() => (this.kernels = kernels)),
  };

  tokensOf(generation: number): number[] {
    return this.events.filter((event) => event.generation === generation).map((e) => e.token);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The tokens of a generation that succeeds; throws its failure otherwise. */
  async finished(generation: number): Promise<number[]> {
    const failed = () => this.failures.find((entry) => entry.generation === generation);
    const last = () =>
      this.events.find((event) => event.generation === generation && event.finish !== null);
    await this.until(() => failed() !== undefined || last() !== undefined);
    const failure = failed()?.failure;
    if (failure !== undefined) throw new FailureError(failure);
    return this.tokensOf(generation);
  }

  #note(act: () => void): void {
    act();
    this.#waiting.splice(0).forEach((resolve) => resolve());
  }
}

export type RoomMember = {
  readonly host: StageHost;
  readonly answers: Answers;
  /** The last one that it loaded, and all of them. */
  readonly shard: () => CpuShard;
  readonly shards: readonly CpuShard[];
  /** Closes its channels, as when its tab is gone. */
  readonly leave: () => void;
  /** Sends a frame beside those of its host. */
  readonly say: (to: MemberId, frame: Frame) => Promise<void>;
};

/**
 * A host per member of the pipeline and per requester, with every pair connected. Every host
 * learns from the room that a generation runs before its prompt is sent, unless `announces` is false.
 */
export async function cpuRoom(
  pipeline: Pipeline,
  requesters: readonly MemberId[] = [],
  {
    announces = true,
    maxSavedBytes,
    ...extra
  }: CpuShardOptions & { readonly announces?: boolean; readonly maxSavedBytes?: number } = {},
): Promise<ReadonlyMap<MemberId, RoomMember>> {
  const names = [...new Set([...pipeline.stages.map((stage) => stage.member), ...requesters])];
  const room = new Map<MemberId, RoomMember>();
  const ports = new Map<MemberId, FramePort[]>(names.map((name) => [name, []]));
  const sends = new Map<string, FramePort>();
  for (const name of names) {
    const shards: CpuShard[] = [];
    const load: ShardLoader = (description, options) => {
      const shard = new CpuShard(description, options, extra);
      shards.push(shard);
      return Promise.resolve(shard);
    };
    const host = new StageHost(load, SYSTEM_CLOCK, maxSavedBytes);
    const answers = new Answers();
    await host.listen(answers.listeners);
    const leave = () => ports.get(name)!.forEach((port) => port.close());
    const say = (to: MemberId, frame: Frame) => sends.get(`${name} ${to}`)!.send(encode(frame));
    room.set(name, { host, answers, shard: () => shards.at(-1)!, shards, leave, say });
  }
  names.forEach((one, index) => {
    for (const other of names.slice(index + 1)) {
      const [toOther, toOne] = memoryFramePorts(one, other);
      room.get(one)!.host.addPort(toOther);
      room.get(other)!.host.addPort(toOne);
      for (const name of [one, other]) ports.get(name)!.push(toOther);
      sends.set(`${one} ${other}`, toOther).set(`${other} ${one}`, toOne);
    }
  });
  const running: StageRoom["running"][number][] = [];
  const tellRoom = async () => {
    for (const [name, { host }] of room)
      await host.setRoom(name, { term: "1", members: names, queued: [], running });
  };
  await tellRoom();
  for (const [requester, { host }] of announces ? room : []) {
    const ask = host.ask.bind(host);
    host.ask = async (request) => {
      running.push({ generation: request.generation, requester });
      await tellRoom();
      await ask(request);
    };
  }
  for (const { member: name, first, end } of pipeline.stages)
    await loadCpuShard(room.get(name)!.host, pipeline, first, end);
  for (const name of names) await room.get(name)!.host.setPipeline(name, pipeline);
  return room;
}

export async function loadCpuShard(
  worker: Pick<StageWorker, "loadShard">,
  pipeline: Pipeline,
  first: number,
  end: number,
  role: ShardRole = "instead",
): Promise<void> {
  const options = {
    contextTokens: pipeline.contextTokens,
    sequences: pipeline.generationSlots,
    activations: "float",
    memoryBudgetBytes: 1e9,
    submitWhileWaiting: false,
  } as const;
  const { port1 } = new MessageChannel();
  const description = cpuDescription(first, end, LAYERS);
  await worker.loadShard(description, options, port1, () => undefined, role);
  port1.close();
}

/** The tokens of one shard of all layers, which every split must reproduce. */
export async function referenceAnswer(
  prompt: readonly number[],
  answerTokens: number,
): Promise<number[]> {
  const shard = new CpuShard(cpuDescription(0, LAYERS, LAYERS), {
    contextTokens: 4096,
    sequences: 1,
    activations: "float",
    memoryBudgetBytes: 1e9,
    submitWhileWaiting: false,
  });
  const tokens = [...prompt];
  const sample = { sampling: GREEDY, random: 0, recentTokens: new Uint32Array(0) };
  for (let position = 0; tokens.length < prompt.length + answerTokens; position += 1) {
    const row = { sequence: 0, position, token: tokens[position]!, sample };
    const result = await shard.step([row], null);
    if (result.kind === "tokens" && position >= prompt.length - 1)
      tokens.push(result.tokens[0]!.token);
  }
  return tokens.slice(prompt.length);
}
