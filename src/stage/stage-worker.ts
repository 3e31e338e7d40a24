/** What a GPU worker offers its tab: the stage, the shard under it, and its channels. */
import type { LoadProgress, ShardOptions } from "../engine/index.ts";
import type { ShardDescription } from "../model/index.ts";
import type {
  CloseFailure,
  KernelReport,
  MemberId,
  ShardRole,
  StagePort,
  StageSample,
} from "../shared/index.ts";

export type StageWorker = StagePort & {
  /**
   * Loads a shard, or the layers that a `role` of "before" or "after" adds. `reader` is a port to the
   * weights worker. Rejects with a `FailureError`; a shard that should be extended is then as it was.
   */
  loadShard(
    shard: ShardDescription,
    options: ShardOptions,
    reader: MessagePort,
    onProgress: (progress: LoadProgress) => void,
    role?: ShardRole,
  ): Promise<{ kernels: KernelReport }>;
  unloadShard(): Promise<void>;
  /** Forgets a shard that was loaded beside the current one. */
  unloadNext(): Promise<void>;
  /**
   * Takes a transferred data channel, or the port of a `relayChannel` if the browser
   * cannot transfer one. Its bytes wait until `openChannel`, because a channel can be
   * transferred only when it is created, before the peer has completed the handshake.
   */
  addChannel(key: number, peer: MemberId, channel: RTCDataChannel | MessagePort): Promise<void>;
  /** Frames to and from the peer of this channel use it from now on. */
  openChannel(key: number): Promise<void>;
  /** Resolves when a frame has gone to `peer` and back. Rejects with a `MeshError` after 3 s, or without a channel. */
  channelReady(peer: MemberId): Promise<void>;
  /** The connection to `peer` has ended. Not every browser closes a channel that was transferred. */
  closeChannel(peer: MemberId, cause: CloseFailure): Promise<void>;
  sample(): Promise<StageSample>;
};
