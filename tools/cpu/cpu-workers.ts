/** Members whose stages run in real workers: joined by data channels of PeerJS connections. */
import * as Comlink from "comlink";
import { createAdmission, openPeerTransport, type PeerTransport } from "../../src/mesh/index.ts";
import {
  createRoomSecret,
  GenerationId,
  MemberId,
  type Pipeline,
  RoomCode,
  SYSTEM_CLOCK,
} from "../../src/shared/index.ts";
import type { StageWorker } from "../../src/stage/index.ts";
import { Answers, loadCpuShard } from "./cpu-room.ts";

/** All members of this page are in one room. */
const CODE = RoomCode.parse("ABCDEF");
const SECRET = createRoomSecret();

export type WorkerMember = {
  readonly id: MemberId;
  readonly stage: Comlink.Remote<StageWorker>;
  readonly transport: PeerTransport;
  readonly answers: Answers;
  close(): void;
};

export async function workerMember(server: string): Promise<WorkerMember> {
  const worker = new Worker(new URL("./cpu-stage.worker.ts", import.meta.url), { type: "module" });
  const stage = Comlink.wrap<StageWorker>(worker);
  const answers = new Answers();
  await stage.listen(Comlink.proxy(answers.listeners));
  const id = MemberId.parse(crypto.randomUUID());
  let channels = 0;
  const transport = await openPeerTransport({
    self: id,
    admission: createAdmission(CODE, SECRET, SYSTEM_CLOCK),
    server,
    onFrameChannel: (peer, channel) => {
      const key = ++channels;
      void stage.addChannel(key, peer, Comlink.transfer(channel, [channel]));
      return () => void stage.openChannel(key);
    },
  });
  const close = () => {
    transport.close();
    worker.terminate();
  };
  return { id, stage, transport, answers, close };
}

/**
 * Connects every pair, loads every stage, and sets the pipeline of every member. The room runs
 * generations 1 to 3 of the first member.
 */
export async function startPipeline(
  members: readonly WorkerMember[],
  pipeline: Pipeline,
): Promise<void> {
  for (const [index, one] of members.entries())
    for (const other of members.slice(index + 1)) await one.transport.connect(other.id);
  const requester = members[0]!.id;
  const running = [1, 2, 3].map((id) => ({ generation: GenerationId.parse(id), requester }));
  for (const { id, stage } of members) {
    const ids = members.map((member) => member.id);
    await stage.setRoom(id, { term: "1", members: ids, queued: [], running });
    const assigned = pipeline.stages.find(({ member }) => member === id);
    if (assigned !== undefined) {
      const transferring = {
        loadShard: (
          ...[description, options, reader, onProgress]: Parameters<StageWorker["loadShard"]>
        ) =>
          stage.loadShard(
            description,
            options,
            Comlink.transfer(reader, [reader]),
            Comlink.proxy(onProgress),
          ),
      };
      await loadCpuShard(transferring, pipeline, assigned.first, assigned.end);
    }
    await stage.setPipeline(id, pipeline);
  }
}
