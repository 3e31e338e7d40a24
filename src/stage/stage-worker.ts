/**
 * A `StageWorker`: joins the channels, the asking side and the stage's loop.
 * How a shard is loaded comes from outside, so that this knows no device.
 */
import * as Comlink from "comlink";
import type {
  EngineCounters,
  LoadProgress,
  Shard,
  ShardMemory,
  ShardOptions,
} from "../engine/types.ts";
import { relayedChannel } from "../mesh/channel-relay.ts";
import { framePort } from "../mesh/frame-port.ts";
import type { Frame, PromptFrame } from "../mesh/frames.ts";
import type { FramePort } from "../mesh/types.ts";
import type { ByteReader, ShardDescription } from "../model/description.ts";
import type { GenerationId, MemberId } from "../shared/ids.ts";
import { Asker } from "./asker.ts";
import { Channels } from "./channels.ts";
import { LoadMeter } from "./load-meter.ts";
import { freshness, seatOf, type Seat } from "./seat.ts";
import { StageLoop } from "./stage-loop.ts";
import type { Pipeline, PromptRequest, StageListeners, StageSample, StageWorker } from "./types.ts";

/** Makes a shard on this worker's device; rejects with words. `onDeviceError` may come at any time. */
export type ShardLoader = (
  shard: ShardDescription,
  options: ShardOptions,
  reader: ByteReader,
  onProgress: (progress: LoadProgress) => void,
  onDeviceError: (message: string, lost: boolean) => void,
) => Promise<Shard>;

/** Frames of a placement that this worker has not been told of yet; a few laps' worth. */
const MAX_EARLY_FRAMES = 64;
/** The payload of the pings that share out a lap's time on the wire: a small model's row. */
const LINK_PING_BYTES = 4096;

export class StageHost implements StageWorker {
  private readonly load: ShardLoader;
  private readonly channels: Channels;
  private readonly asker: Asker;
  private readonly meter = new LoadMeter(performance.now());
  private readonly linkMs = new Map<MemberId, number>();
  private listeners: StageListeners | null = null;
  private seat: Seat | null = null;
  private shard: Shard | null = null;
  /** Counts loads and unloads, so that a load that was overtaken knows it. */
  private loads = 0;
  private loop: StageLoop | null = null;
  private early: { readonly from: MemberId; readonly frame: Frame }[] = [];

  constructor(load: ShardLoader) {
    this.load = load;
    this.channels = new Channels({
      onFrame: (from, frame) => this.receive(from, frame),
      onClose: (peer, reason) => this.peerGone(peer, reason),
    });
    this.asker = new Asker({
      send: (to, frame) => this.channels.send(to, frame),
      onToken: (event) => void this.listeners?.onToken(event),
      onFailure: (failure) => void this.listeners?.onFailure(failure),
    });
  }

  async listen(listeners: StageListeners): Promise<void> {
    this.listeners = listeners;
    return Promise.resolve();
  }

  async loadShard(
    description: ShardDescription,
    options: ShardOptions,
    reader: MessagePort,
    onProgress: (progress: LoadProgress) => void,
  ): Promise<{ memory: ShardMemory; variants: readonly string[] }> {
    await this.unloadShard();
    const load = this.loads;
    const bytes = Comlink.wrap<ByteReader>(reader);
    const read: ByteReader = { read: (offset, length) => bytes.read(offset, length) };
    const shard = await this.load(description, options, read, onProgress, (message, lost) => {
      if (this.loads === load) this.deviceError(message, lost);
    }).finally(() => bytes[Comlink.releaseProxy]());
    if (this.loads !== load) {
      shard.destroy();
      throw new Error("These layers are not wanted any more: the model was placed anew meanwhile.");
    }
    this.shard = shard;
    this.sit();
    shard.onVariants = (variants) => {
      if (this.shard === shard) void this.listeners?.onVariants(variants);
    };
    return { memory: shard.memory(), variants: shard.variants };
  }

  async unloadShard(): Promise<void> {
    this.loads += 1;
    this.loop?.failAll("The member let go of its layers. Ask again when the model is placed anew.");
    this.stand();
    this.shard?.destroy();
    this.shard = null;
    return Promise.resolve();
  }

  async setPipeline(self: MemberId, pipeline: Pipeline | null): Promise<void> {
    this.channels.setSelf(self);
    if (pipeline !== null && freshness(this.seat, pipeline) === "current") return Promise.resolve();
    this.asker.failAll("The model is being placed anew. Ask again when it is ready.");
    this.stand();
    this.seat = pipeline === null ? null : seatOf(self, pipeline);
    this.sit();
    this.measureNext();
    const early = this.early;
    this.early = [];
    if (this.seat !== null) early.forEach(({ from, frame }) => this.receive(from, frame));
    return Promise.resolve();
  }

  async addChannel(peer: MemberId, channel: RTCDataChannel | MessagePort): Promise<void> {
    const slices = channel instanceof MessagePort ? relayedChannel(channel) : channel;
    this.addPort(framePort(peer, slices));
    return Promise.resolve();
  }

  /** For callers in the same thread, such as tests; a page gives a channel. */
  addPort(port: FramePort): void {
    this.channels.add(port);
    if (port.peer === this.seat?.next || port.peer === this.seat?.first) this.measureNext();
  }

  async removeChannel(peer: MemberId): Promise<void> {
    this.channels.remove(peer, "closed by this tab");
    return Promise.resolve();
  }

  async measureLink(peer: MemberId, payloadBytes: number) {
    return this.channels.measure(peer, payloadBytes);
  }

  async ask(request: PromptRequest): Promise<void> {
    await this.asker.ask(this.seat, request);
  }

  async cancel(generation: GenerationId): Promise<void> {
    await this.asker.cancel(generation);
  }

  async sample(): Promise<StageSample> {
    const memory = this.shard?.memory();
    const memoryUsedBytes =
      memory === undefined ? 0 : memory.weightBytes + memory.cacheBytes + memory.scratchBytes;
    return Promise.resolve({ ...this.meter.read(performance.now()), memoryUsedBytes });
  }

  async counters(): Promise<EngineCounters | null> {
    return Promise.resolve(this.shard?.counters() ?? null);
  }

  /** Starts the loop once there is both a seat and the shard that belongs to it. */
  private sit(): void {
    const { seat, shard } = this;
    const stage = seat?.pipeline.stages[seat.index];
    if (seat === null || shard === null || stage === undefined) return;
    const { first, end } = shard.description;
    if (stage.first !== first || stage.end !== end) return;
    const outside = {
      send: (to: MemberId, frame: Frame) => this.channels.send(to, frame),
      linkMs: (peer: MemberId) => this.linkMs.get(peer) ?? 0,
      onDeviceError: (message: string, lost: boolean) => this.deviceError(message, lost),
    };
    this.loop = new StageLoop(seat, shard, outside, this.meter);
  }

  private stand(): void {
    this.loop?.stop();
    this.loop = null;
  }

  private receive(from: MemberId, frame: Frame): void {
    const fresh = freshness(this.seat, frame);
    if (fresh === "newer" && this.early.length < MAX_EARLY_FRAMES) this.early.push({ from, frame });
    if (fresh === "older" && frame.type === "prompt") this.refuse(from, frame);
    if (fresh !== "current") return;
    switch (frame.type) {
      case "prompt":
        if (this.loop === null) this.refuse(from, frame);
        else this.loop.prompt(from, frame);
        return;
      case "hidden":
        return this.loop?.hidden(from, frame);
      case "token":
        this.asker.token(from, frame);
        return this.loop?.token(from, frame);
      case "end":
        return this.loop?.ended(from, frame);
      case "failure":
        this.loop?.failed(from, frame);
        if (this.inPipeline(from)) this.asker.fail(frame.generation, frame.message);
    }
  }

  /** Answers with the frame's own placement, or its sender would not listen. */
  private refuse(from: MemberId, frame: PromptFrame): void {
    const { placement, epoch, generation, asker } = frame;
    const message = "A stage does not hold these layers now. Ask again when the model is placed.";
    for (const member of new Set([from, asker, this.seat?.first ?? from]))
      this.channels
        .send(member, { type: "failure", placement, epoch, generation, message })
        .catch(() => undefined);
  }

  private inPipeline(peer: MemberId): boolean {
    return this.seat?.pipeline.stages.some(({ member }) => member === peer) ?? false;
  }

  private peerGone(peer: MemberId, reason: string): void {
    this.linkMs.delete(peer);
    this.early = this.early.filter(({ from }) => from !== peer);
    this.loop?.peerGone(peer, reason);
    this.asker.peerGone(peer, reason);
    void this.listeners?.onChannelClose(peer, reason);
  }

  private deviceError(message: string, lost: boolean): void {
    if (lost) this.loop?.failAll(`A stage's GPU is gone: ${message}`);
    void this.listeners?.onDeviceError(message, lost);
  }

  /** In the background: how far the next stage is, for `hopTimes`. */
  private measureNext(): void {
    const { seat } = this;
    if (seat === null || seat.index < 0) return;
    const peer = seat.next ?? seat.first;
    if (peer === seat.self) return;
    const ping = () => this.channels.ping(peer, LINK_PING_BYTES, true);
    ping()
      .then(ping) // the first one wakes the link
      .then((roundTripMs) => this.linkMs.set(peer, roundTripMs / 2))
      .catch(() => undefined); // no channel yet, or it broke: hops are then shared out evenly
  }
}
