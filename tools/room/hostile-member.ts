/**
 * A member that speaks the protocol and does what it should not: every message and every frame is
 * written here, below the code that would refuse it in an honest tab.
 */
import {
  decode,
  encode,
  type Frame,
  type FramePort,
  type Transport,
} from "../../src/mesh/index.ts";
import type { MemberId } from "../../src/shared/index.ts";
import { type Member, type RoomFailure, type StageFailure } from "../../src/shared/index.ts";
import { memoryFramePorts } from "./memory-transport.ts";
import { CODE } from "./test-data.ts";
import { type Tab, type TestRoom, until } from "./test-room.ts";

type Result = { readonly type: "result"; readonly id: number; readonly error: RoomFailure | null };

export class HostileMember {
  readonly id: MemberId;
  /** Reasons of the frames of its that were refused. */
  readonly refusedFrames: StageFailure["reason"][] = [];
  readonly #transport: Transport;
  readonly #coordinator: MemberId;
  readonly #results = new Map<number, Result>();
  readonly #ports = new Map<MemberId, FramePort>();
  #commands = 0;
  #welcome = false;

  /** Joins as `member` introduces itself. */
  static async join(room: TestRoom, member: Member): Promise<HostileMember> {
    const hostile = new HostileMember(room, member.id);
    await hostile.#transport.connect(hostile.#coordinator);
    await hostile.say(hostile.#coordinator, {
      type: "join",
      room: CODE,
      member,
    });
    await until(() => hostile.#welcome, "the hostile member to be admitted");
    for (const tab of room.tabs.values()) hostile.openFrames(tab);
    return hostile;
  }

  private constructor(room: TestRoom, id: MemberId) {
    this.id = id;
    this.#transport = room.network.join(id);
    this.#coordinator = room.roomHolder!;
    this.#transport.events.onMessage((_peer, message) => {
      const { type } = message as { type: string };
      if (type === "welcome") this.#welcome = true;
      if (type === "result") this.#results.set((message as Result).id, message as Result);
    });
  }

  /** A frame channel to a tab, in place of the earlier one. */
  openFrames({ id, host }: Pick<Tab, "id" | "host">): void {
    const [mine, theirs] = memoryFramePorts(this.id, id);
    host.addPort(theirs);
    this.#ports.set(id, mine);
    mine.onFrame = (bytes) => {
      const frame = decode(bytes);
      if (frame.type === "failure") this.refusedFrames.push(frame.failure.reason);
    };
  }

  /** Any message to any tab, over the control channel. */
  async say(to: MemberId, message: unknown): Promise<void> {
    await this.#transport.connect(to);
    await this.#transport.send(to, message);
  }

  /** The reason of the refusal of a command; null if it was done. */
  async command(command: unknown): Promise<RoomFailure["reason"] | null> {
    const id = ++this.#commands;
    await this.say(this.#coordinator, { type: "command", id, command });
    await until(() => this.#results.has(id), "an answer to the command");
    return this.#results.get(id)!.error?.reason ?? null;
  }

  async frame(to: MemberId, frame: Frame): Promise<void> {
    await this.#ports.get(to)!.send(encode(frame));
  }

  async bytes(to: MemberId, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#ports.get(to)!.send(bytes);
  }
}
