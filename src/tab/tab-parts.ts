/**
 * Creates the parts of a room in this tab: connections over WebRTC, and workers for the
 * GPU, the model files, the solver, chat templates, and timers. `close` ends them all.
 */
import * as Comlink from "comlink";
import { GpuThread } from "./gpu-thread.ts";
import { openChatRenderer } from "./chat-renderer.ts";
import { openRoomRegistry } from "./room-registry.ts";
import { createModelHost, type TabModelHost } from "./model-host.ts";
import type { RoomParts } from "../cluster/index.ts";
import { createAdmission, frameLinks, openPeerTransport, type PeerOptions } from "../mesh/index.ts";
import {
  type MemberId,
  type RoomCode,
  type Measurements,
  type Member,
  type ModelNotice,
  type TabWarning,
  failureOf,
} from "../shared/index.ts";
import type { WeightsWorker } from "../../workers/weights.worker.ts";
import { openWithKeptId, readKeptRoom, type RoomStorage } from "./kept-room.ts";
import { openPlanner } from "./planner.ts";
import { openTabMonitor } from "./tab-monitor.ts";
import { workerClient } from "./worker-client.ts";
import { openWorkerClock } from "./worker-clock.ts";

export type TabParts = {
  readonly room: RoomParts;
  readonly models: TabModelHost;
  /** This device was measured again. */
  measured(measurements: Measurements): void;
  /** Deletes the models that are stored on this machine. */
  clearStoredModels(): Promise<void>;
  close(): void;
};

/** Relative URLs of models are relative to the server. */
export type TabOptions = PeerOptions & {
  readonly code: RoomCode;
  /** This tab without its id, which is created here. */
  readonly profile: Omit<Member, "id">;
  readonly onWarning: (warning: TabWarning) => void;
  /** Where the room's secret and this tab's id are kept over a reload. */
  readonly storage: RoomStorage;
};

/** Rejects with a `MeshError` if the signaling server cannot be reached. */
export async function openTabParts(options: TabOptions): Promise<TabParts> {
  let ended = false;
  /** What ends because this tab ends it is no problem. */
  const onWarning = (warning: TabWarning) => {
    if (!ended) options.onWarning(warning);
  };
  const kept = readKeptRoom(options.storage, options.code);
  const clock = openWorkerClock();
  const gpu = new GpuThread({ start: startGpuWorker, clock, onReplaced: () => renewFrames() });
  /** Renews every frames channel, once there is a transport. */
  let renewFrames = () => undefined as void;
  const weights = workerClient<WeightsWorker>(startWeightsWorker, "model");
  const planner = openPlanner(onWarning);
  const chats = openChatRenderer();
  const endWorkers = () => {
    ended = true;
    for (const part of [gpu, weights, planner, chats, clock]) part.end();
  };
  let channels = 0;
  try {
    const { secret = null, succession } = kept ?? {};
    const admission = createAdmission(options.code, secret, clock, succession);
    const openTransport = (self: MemberId) =>
      openPeerTransport({
        ...options,
        self,
        admission,
        clock,
        onSignaling: (isRegistered) =>
          onWarning({ kind: isRegistered ? "signaling_restored" : "signaling_lost" }),
        onFrameChannel: (peer, channel) => {
          const key = ++channels;
          const warn = (error: unknown) =>
            onWarning({ kind: "channel_unusable", peer, cause: failureOf(error) });
          gpu.worker.addChannel(key, peer, Comlink.transfer(channel, [channel])).catch(warn);
          return () => void gpu.worker.openChannel(key).catch(warn);
        },
      });
    const transport = await openWithKeptId(kept?.member?.id ?? null, openTransport);
    const { self } = transport;
    renewFrames = () => transport.connectedPeers().forEach((peer) => transport.renewFrames(peer));
    const linkFrames = frameLinks({
      self,
      clock,
      connect: (peer) => transport.connect(peer),
      renew: (peer) => transport.renewFrames(peer),
      ready: (peer) => gpu.worker.channelReady(peer),
    });
    transport.events.onDisconnect((peer, cause) => {
      if (cause.reason === "replaced_connection") return;
      gpu.worker.closeChannel(peer, cause).catch(() => undefined); // a worker that ended has none
    });
    const profile: Member = { ...options.profile, id: self };
    const onNotice = (notice: ModelNotice) => onWarning({ kind: "model", notice });
    await weights.remote.listen(Comlink.proxy(onNotice));
    const monitor = await openTabMonitor(profile.measurements, () => gpu.worker.sample());
    const models = createModelHost({
      self,
      weights: weights.remote,
      stage: gpu.worker,
      transport,
      renderChat: chats.render,
      clock,
      server: options.server,
      // They determine the expected time of a step.
      onHeld: (shard) => monitor.holds(shard),
    });
    return {
      models,
      measured: (measurements) => monitor.measured(measurements),
      clearStoredModels: () => weights.remote.clearStored(),
      room: {
        transport,
        admission,
        lastKnown: { epoch: kept?.epoch ?? 0, admits: kept?.admits ?? "code" },
        registry: openRoomRegistry(options.code, self, options),
        stage: gpu.worker,
        models,
        planner: planner.remote,
        linkFrames,
        replaceStage: () => gpu.replace({ reason: "worker_ended", worker: "GPU" }),
        collectDeviceState: () => monitor.collect(),
        profile,
        clock,
      },
      close: () => {
        monitor.close();
        transport.close();
        endWorkers();
      },
    };
  } catch (error) {
    endWorkers();
    throw error;
  }
}

function startGpuWorker(): Worker {
  return new Worker(new URL("../../workers/gpu.worker.ts", import.meta.url), { type: "module" });
}

function startWeightsWorker(): Worker {
  return new Worker(new URL("../../workers/weights.worker.ts", import.meta.url), {
    type: "module",
  });
}
