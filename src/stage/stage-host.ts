/**
 * What a GPU worker offers its tab: connects the channels, the requesting side, and the stage's loop.
 * The caller provides how a shard is loaded, so that this module knows no device.
 *
 * Over 250 lines: the interface of the whole GPU worker.
 */
import {
  causeOf,
  type Clock,
  type Failure,
  FailureError,
  SYSTEM_CLOCK,
  type StageObservation,
  type StagePort,
  type GenerationId,
  type MemberId,
  type CloseFailure,
  type Pipeline,
  type PromptRequest,
  type StageListeners,
  type StageRoom,
  type ShardRole,
  type Stage,
  type StageSample,
  totalBytes,
  type KernelReport,
} from "../shared/index.ts";
import * as Comlink from "comlink";
import type { LoadProgress, Shard, ShardOptions, OnDeviceError } from "../engine/index.ts";
import { ChannelFramePort, type FramePort, type SliceChannel } from "../mesh/index.ts";
import type { ByteReader, ShardDescription } from "../model/index.ts";
import { type ChannelListeners, Channels } from "./channels.ts";
import { GenerationTable } from "./generations.ts";
import { frameIntake, type StageFrame } from "./frame-intake.ts";
import { LoadMeter } from "./load-meter.ts";
import { MissingPrompts } from "./missing-prompts.ts";
import {
  comparePlacement,
  positionInPipeline,
  type PipelinePosition,
} from "./pipeline-position.ts";
import { MAX_SAVED_BYTES } from "./saved-rows.ts";
import { sentPrompts } from "./sent-prompts.ts";
import { ShardChain } from "./shard-chain.ts";
import { IDLE_LOOK_MS, RUNNING_LOOK_MS } from "./silence-watch.ts";
import { StageLoop, type StageOutside } from "./stage-loop.ts";

/** Loads a shard on this worker's device. `onDeviceError` may be called at any time. */
export type ShardLoader = (
  shard: ShardDescription,
  options: ShardOptions,
  reader: ByteReader,
  onProgress: (progress: LoadProgress) => void,
  onDeviceError: OnDeviceError,
) => Promise<Shard>;

/** As the tab has it. All values can be cloned or transferred to a worker. */
export type StageWorker = Omit<StageHost, "addPort">;

export class StageHost implements StagePort {
  readonly #load: ShardLoader;
  readonly #maxSavedBytes: number;
  readonly #channels: Channels;
  readonly #sentPrompts: ReturnType<typeof sentPrompts>;
  readonly #clock: Clock;
  readonly #meter: LoadMeter;
  readonly #intake: ReturnType<typeof frameIntake>;
  readonly #missingPrompts: MissingPrompts;
  #running: readonly GenerationId[] = [];
  #listeners: StageListeners | null = null;
  #position: PipelinePosition | null = null;
  #shard: Shard | null = null;
  /** Loaded beside it, for a later pipeline. */
  #next: Shard | null = null;
  /** Counts loads and unloads, so that a superseded load is noticed. */
  #loads = 0;
  #loop: StageLoop | null = null;
  /** Of the shard. */
  #generations: GenerationTable | null = null;
  #nextLook: { readonly lookMs: number; readonly cancel: () => void } | null = null;

  /** `maxSavedBytes`: of hidden rows that are kept for a new holder of the next layers. */
  constructor(load: ShardLoader, clock = SYSTEM_CLOCK, maxSavedBytes: number = MAX_SAVED_BYTES) {
    this.#load = load;
    this.#maxSavedBytes = maxSavedBytes;
    this.#clock = clock;
    const nowMs = () => clock.nowMs();
    this.#meter = new LoadMeter(nowMs());
    const listeners: ChannelListeners = {
      onFrame: (from, frame) => this.#intake.receive(from, frame),
      onClose: (peer, cause) => this.#peerGone(peer, cause),
      onSilence: ({ peer, again }) => this.#observe({ kind: "peer_silent", peer, again }),
    };
    this.#channels = new Channels(listeners, clock);
    this.#intake = frameIntake({
      self: () => this.#channels.self,
      position: () => this.#position,
      isLoaded: () => this.#loop !== null,
      take: (from, frame) => this.#take(from, frame),
      // If it cannot be sent, the channel is closed, which it reports itself.
      reply: (to, frame) => void this.#channels.send(to, frame).catch(() => undefined),
    });
    this.#missingPrompts = new MissingPrompts(
      (...timer) => clock.after(...timer),
      (generation) => this.#observe({ kind: "prompt_missing", generation }),
    );
    this.#sentPrompts = sentPrompts({
      send: (to, frame) => this.#channels.send(to, frame),
      onToken: (event) => void this.#listeners?.onToken(event),
      onFailure: (failure) => void this.#listeners?.onFailure(failure),
      nowMs,
    });
  }

  async listen(listeners: StageListeners): Promise<void> {
    this.#listeners = listeners;
    return Promise.resolve();
  }

  /**
   * Loads a shard, or the layers that a `role` of "before" or "after" adds. `reader` is a port to the
   * weights worker. Rejects with a `FailureError`; a shard that should be extended is then as it was.
   */
  async loadShard(
    description: ShardDescription,
    options: ShardOptions,
    reader: MessagePort,
    onProgress: (progress: LoadProgress) => void,
    role: ShardRole = "instead",
  ): Promise<{ kernels: KernelReport }> {
    if (role === "instead") await this.unloadShard();
    else await this.unloadNext();
    const isExtension = role === "before" || role === "after";
    if (isExtension) this.#pause();
    const load = this.#loads;
    let loaded: Shard | null = null;
    const bytes = Comlink.wrap<ByteReader>(reader);
    const read: ByteReader = { read: (offset, length) => bytes.read(offset, length) };
    const shard = await this.#load(description, options, read, onProgress, (cause, lost) => {
      // A load that fails rejects.
      if ([this.#shard, this.#next].some((held) => holds(held, loaded)))
        this.#shardFailed(cause, lost);
    }).finally(() => bytes[Comlink.releaseProxy]());
    if (this.#loads !== load || (isExtension && this.#shard === null)) {
      shard.destroy();
      throw new FailureError({ reason: "load_superseded" });
    }
    loaded = shard;
    if (role === "beside") this.#next = shard;
    else {
      this.#shard = this.#extended(shard, role);
      this.#startLoop();
    }
    shard.onKernels = (kernels) => {
      if (holds(this.#shard, shard)) void this.#listeners?.onKernels(kernels);
    };
    return { kernels: shard.kernels };
  }

  /** Forgets a shard that was loaded beside the current one. */
  async unloadNext(): Promise<void> {
    this.#loads += 1;
    this.#next?.destroy();
    this.#next = null;
    return Promise.resolve();
  }

  async unloadShard(): Promise<void> {
    void this.unloadNext(); // at once
    this.#pause();
    this.#shard?.destroy();
    this.#shard = null;
    this.#generations = null;
    return Promise.resolve();
  }

  /** Nothing is computed until there is a pipeline and a shard that belongs to it. */
  #pause(): void {
    this.#loop?.answers.failAll({ reason: "layers_unloaded" });
    this.#stopLoop();
  }

  /** The current shard with the layers before or after it. */
  #extended(shard: Shard, role: Exclude<ShardRole, "beside">): Shard {
    const held = this.#shard;
    if (held === null) return shard;
    this.#generations?.extend(role === "before" ? "front" : "back");
    return role === "before" ? new ShardChain(shard, held) : new ShardChain(held, shard);
  }

  async setPipeline(self: MemberId, pipeline: Pipeline | null): Promise<void> {
    this.#channels.setSelf(self);
    if (pipeline !== null && comparePlacement(this.#position, pipeline) === "current")
      return Promise.resolve();
    this.#sentPrompts.failAll({ reason: "placement_changed" });
    this.#stopLoop();
    this.#position = pipeline === null ? null : positionInPipeline(self, pipeline);
    this.#missingPrompts.update(this.#position?.isFirst ? this.#running : []);
    this.#switchShard();
    this.#startLoop();
    this.#intake.receiveHeld();
    return Promise.resolve();
  }

  async setRoom(self: MemberId, room: StageRoom): Promise<void> {
    this.#channels.setSelf(self);
    this.#intake.room.update(room);
    this.#running = room.running.map(({ generation }) => generation);
    this.#missingPrompts.update(this.#position?.isFirst ? this.#running : []);
    this.#channels.setMembers((peer) => this.#intake.room.isMember(peer));
    this.#loop?.answers.roomChanged();
    this.#generations?.keepOnly((requester) => this.#intake.room.isMember(requester));
    this.#intake.receiveHeld();
    return Promise.resolve();
  }

  /**
   * Takes a transferred data channel. Its bytes wait until `openChannel`, because a channel can be
   * transferred only when it is created, before the peer has completed the handshake.
   */
  async addChannel(key: number, peer: MemberId, channel: SliceChannel): Promise<void> {
    this.#channels.keep(key, new ChannelFramePort(peer, channel));
    return Promise.resolve();
  }

  /** Frames to and from the peer of this channel use it from now on. */
  async openChannel(key: number): Promise<void> {
    const port = this.#channels.takeKept(key);
    if (port !== null) this.addPort(port);
    return Promise.resolve();
  }

  /** For callers in the same thread, such as tests. A page passes a channel. */
  addPort(port: FramePort): void {
    this.#channels.add(port);
    this.#scheduleLook();
  }

  /** Resolves when a frame has gone to `peer` and back. Rejects with a `MeshError` after 3 s, or without a channel. */
  async channelReady(peer: MemberId): Promise<void> {
    await this.#channels.ready(peer);
  }

  /** The connection to `peer` has ended. Not every browser closes a channel that was transferred. */
  async closeChannel(peer: MemberId, cause: CloseFailure): Promise<void> {
    this.#channels.remove(peer, cause);
    return Promise.resolve();
  }

  async measureLink(peer: MemberId, payloadBytes: number) {
    return this.#channels.measure(peer, payloadBytes);
  }

  async ask(request: PromptRequest): Promise<void> {
    const sent = this.#sentPrompts.ask(this.#position, request);
    this.#scheduleLook();
    await sent;
  }

  async cancel(generation: GenerationId, reason?: "cancelled" | "interrupted"): Promise<void> {
    await this.#sentPrompts.cancel(generation, reason);
  }

  async sample(): Promise<StageSample> {
    const shards = [this.#shard, this.#next].filter((shard) => shard !== null);
    const memoryUsedBytes = shards.reduce((sum, shard) => sum + totalBytes(shard.memory()), 0);
    const gpuShare = this.#shard?.gpuShare() ?? null;
    return Promise.resolve({
      ...this.#meter.read(this.#clock.nowMs(), gpuShare),
      memoryUsedBytes,
    });
  }

  /** A shard that was loaded beside the current one takes its place if the pipeline needs it. */
  #switchShard(): void {
    const stage = this.#position?.stage;
    if (stage === undefined || this.#next === null) return;
    if (fits(this.#shard, stage) || !fits(this.#next, stage)) return;
    this.#shard?.destroy();
    this.#shard = this.#next;
    this.#next = null;
    this.#generations = null;
  }

  /** Starts the loop once there is a pipeline and the shard that belongs to it. */
  #startLoop(): void {
    const position = this.#position;
    const shard = this.#shard;
    if (position?.stage === undefined || shard === null || !fits(shard, position.stage)) return;
    const { placement } = position.pipeline;
    const outside: StageOutside = {
      send: (to, frame) => this.#channels.send(to, frame),
      refuse: (to, frame, failure) => this.#intake.refuse(to, frame, failure),
      standing: (...generation) => this.#intake.room.standing(...generation),
      onDeviceError: (cause, lost) => this.#shardFailed(cause, lost),
      onLate: (generation, late) =>
        this.#observe({ kind: "lap_late", placement, generation, ...late }),
      onLaps: (...laps) => void this.#listeners?.onLaps(placement, ...laps),
      nowMs: () => this.#clock.nowMs(),
    };
    const slots = Math.min(shard.options.sequences, position.pipeline.generationSlots);
    // Answers that were interrupted are resumed with the rows that the shard's cache has of them.
    if (this.#generations?.slots !== slots)
      this.#generations = new GenerationTable(slots, this.#maxSavedBytes);
    this.#loop = new StageLoop(position, shard, outside, this.#meter, this.#generations);
  }

  #stopLoop(): void {
    this.#loop?.stop();
    this.#loop = null;
  }

  #take(from: MemberId, frame: StageFrame): void {
    switch (frame.type) {
      case "prompt":
        this.#missingPrompts.came(frame.generation);
        this.#loop?.answers.prompt(frame);
        return this.#scheduleLook();
      case "hidden":
        return this.#loop?.hidden(frame);
      case "token":
        this.#sentPrompts.token(from, frame);
        return this.#loop?.token(frame);
      case "end":
        return this.#loop?.answers.ended(from, frame);
      case "resume":
        this.#missingPrompts.came(frame.generation);
        return this.#loop?.resume(frame);
      case "failure":
        this.#loop?.answers.failed(from, frame);
        return this.#sentPrompts.fail(frame.generation, frame.failure);
    }
  }

  #peerGone(peer: MemberId, cause: CloseFailure): void {
    this.#intake.dropSender(peer);
    this.#loop?.answers.peerGone(peer, cause);
    this.#sentPrompts.peerGone(peer, cause);
    if (cause.reason !== "replaced_connection")
      this.#observe({ kind: "channel_closed", peer, cause });
  }

  #observe(observation: StageObservation): void {
    void this.#listeners?.onObservation(observation);
  }

  /** Once per load. What the shard would compute from now on cannot be trusted, so it is gone. */
  #shardFailed(cause: Failure, lost: boolean): void {
    const reason = lost ? "device_lost_in_step" : "step_failed";
    this.#loop?.answers.failAll({ reason, cause: causeOf(new FailureError(cause)) });
    void this.unloadShard();
    void this.#listeners?.onDeviceError(cause, lost);
  }

  /** The next look, sooner if an answer runs; none while there is nothing to look for. */
  #scheduleLook(): void {
    const isBusy = this.#sentPrompts.isBusy || this.#loop?.isBusy === true;
    if (!isBusy && !this.#channels.isOpen) return;
    const lookMs = isBusy ? RUNNING_LOOK_MS : IDLE_LOOK_MS;
    if (this.#nextLook !== null && this.#nextLook.lookMs <= lookMs) return;
    this.#nextLook?.cancel();
    const cancel = this.#clock.after(lookMs, () => this.#look(lookMs));
    this.#nextLook = { lookMs, cancel };
  }

  #look(lookMs: number): void {
    this.#nextLook = null;
    this.#channels.look(lookMs);
    this.#loop?.look();
    this.#sentPrompts.look();
    this.#scheduleLook();
  }
}

/** Whether `shard` is the one that is held, or a part of it. */
function holds(held: Shard | null, shard: Shard | null): boolean {
  if (held === null || shard === null) return false;
  return held === shard || (held instanceof ShardChain && held.includes(shard));
}

function fits(shard: Shard | null, { first, end }: Stage): boolean {
  return shard !== null && shard.description.first === first && shard.description.end === end;
}
