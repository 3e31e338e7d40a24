/** A member that sends what it may not: it is refused with a reason, and other answers are intact. */
import { describe, expect, test } from "vitest";
import { decode, encode, type Frame, type PromptFrame } from "../../src/mesh/frames.ts";
import { GenerationId, type MemberId, PlacementId } from "../../src/shared/ids.ts";
import type { StageFailure } from "../../src/shared/stage-failure.ts";
import { MAX_HELD_BYTES } from "../../src/stage/frame-intake.ts";
import {
  cpuRoom,
  member,
  pipelineOver,
  referenceAnswer,
  request,
} from "../../tools/cpu/cpu-room.ts";
import { memoryFramePorts } from "../../tools/room/memory-transport.ts";
import { SlowChannel } from "../mesh/slow-channel.ts";
import { a, b, generation, header, hiddenFrame, PROMPT, requester, tokenFrame } from "./samples.ts";

const mallory = member("mallory");

type Options = Parameters<typeof cpuRoom>[2];

/** Two stages, an honest requester, and a member whose frames the test writes. */
async function withMallory(options: Options = {}) {
  const room = await cpuRoom(pipelineOver([a, b]), [requester, mallory], { stepMs: 1, ...options });
  const failures: StageFailure[] = [];
  let heard: (() => void) | undefined;
  const ports = new Map(
    [a, b, requester].map((to) => {
      const [mallorys, theirs] = memoryFramePorts(mallory, to);
      room.get(to)!.host.addPort(theirs);
      mallorys.onFrame = (bytes) => {
        const frame = decode(bytes);
        if (frame.type === "failure") failures.push(frame.failure);
        heard?.();
      };
      return [to, mallorys];
    }),
  );
  const send = (to: MemberId, frame: Frame) => ports.get(to)!.send(encode(frame));
  const refused = async (count: number) => {
    while (failures.length < count) await new Promise<void>((resolve) => (heard = resolve));
    return failures;
  };
  return { room, send, refused };
}

function prompt(id: number, change: Partial<PromptFrame> = {}): PromptFrame {
  return { type: "prompt", ...request(id, PROMPT), ...header, requester: mallory, ...change };
}

test.each<[Frame, StageFailure["reason"]]>([
  [{ type: "end", ...header, generation, reason: "cancelled" }, "unexpected_sender"],
  [prompt(1), "generation_not_running"],
  [prompt(1, { requester }), "unexpected_sender"],
  [prompt(1, { epoch: 0 }), "layers_not_loaded"],
  [tokenFrame(31, { finish: "stop" }), "unexpected_sender"],
  [hiddenFrame(31), "unexpected_sender"],
])("cannot disturb another's answer with %o: %s", async (frame, reason) => {
  const { room, send, refused } = await withMallory();
  const { host, answers } = room.get(requester)!;
  await host.ask(request(1, PROMPT));
  await answers.until(() => answers.events.length >= 1);
  await send(a, frame);
  expect(await refused(1)).toMatchObject([{ reason }]);
  for (const to of [b, requester]) await send(to, frame);
  expect(await answers.finished(1)).toEqual(await referenceAnswer(PROMPT, 12));
});

test("a failure of another's answer is not believed", async () => {
  const { room, send } = await withMallory();
  const { host, answers } = room.get(requester)!;
  await host.ask(request(1, PROMPT));
  await answers.until(() => answers.events.length >= 1);
  const failure = { reason: "prompt_empty" } as const;
  for (const to of [a, b, requester])
    await send(to, { type: "failure", ...header, generation, failure });
  expect(await answers.finished(1)).toEqual(await referenceAnswer(PROMPT, 12));
});

test("prompts of generations that the room does not run take no slots", async () => {
  const { room, send } = await withMallory();
  for (const id of [1, 2, 3]) await send(a, prompt(id + 100));
  const { host, answers } = room.get(requester)!;
  await host.ask(request(1, PROMPT));
  expect(await answers.finished(1)).toEqual(await referenceAnswer(PROMPT, 12));
});

describe("frames that come early", () => {
  const next = pipelineOver([a, b], { placement: PlacementId.parse(2) });

  test("junk does not crowd out the prompt of another member", async () => {
    const { room, send } = await withMallory();
    const junk: Frame = { type: "end", ...header, generation, reason: "failed", epoch: 9 };
    for (let count = 0; count < 100; count += 1) await send(a, junk);
    const { host, answers } = room.get(requester)!;
    await host.setPipeline(requester, next);
    await host.ask(request(1, PROMPT, { placement: next.placement }));
    for (const name of [b, a]) await room.get(name)!.host.setPipeline(name, next);
    expect(await answers.finished(1)).toEqual(await referenceAnswer(PROMPT, 12));
  });

  test("above its share, a member's frames are refused", async () => {
    const { send, refused } = await withMallory();
    const tokens = new Uint32Array(MAX_HELD_BYTES / 4 / 2);
    const early = prompt(1, { epoch: 9, tokens });
    await send(a, early);
    await send(a, early);
    expect(await refused(1)).toEqual([
      { reason: "early_frames_exceeded", member: a, maxBytes: MAX_HELD_BYTES },
    ]);
  });

  test("a prompt waits for the start of its generation in the room's log", async () => {
    const { room } = await withMallory({ announces: false });
    const { host, answers } = room.get(requester)!;
    await host.ask(request(1, PROMPT));
    const members = [...room.keys()];
    const running = [{ generation, requester }];
    // The later stage learns it first, stage 0 last.
    for (const name of [b, requester, a])
      await room.get(name)!.host.setRoom(name, { term: "1", members, queued: [], running });
    expect(await answers.finished(1)).toEqual(await referenceAnswer(PROMPT, 12));
  });

  test("a later stage takes a prompt of which the room tells it only later", async () => {
    const { room } = await withMallory({ announces: false });
    const { host, answers } = room.get(requester)!;
    const members = [...room.keys()];
    const running = [{ generation, requester }];
    await room.get(a)!.host.setRoom(a, { term: "1", members, queued: [], running });
    await host.ask(request(1, PROMPT));
    await answers.until(() => answers.events.length >= 1);
    await room.get(b)!.host.setRoom(b, { term: "1", members, queued: [], running });
    expect(await answers.finished(1)).toEqual(await referenceAnswer(PROMPT, 12));
  });

  test("a held prompt is dropped when its requester cancels it", async () => {
    const { room } = await withMallory({ announces: false });
    const { host, answers } = room.get(requester)!;
    await host.ask(request(1, PROMPT));
    await host.cancel(generation);
    await host.ask(request(2, PROMPT));
    const members = [...room.keys()];
    const running = [1, 2].map((id) => ({ generation: GenerationId.parse(id), requester }));
    for (const name of [b, a])
      await room.get(name)!.host.setRoom(name, { term: "1", members, queued: [], running });
    expect(await answers.finished(2)).toEqual(await referenceAnswer(PROMPT, 12));
    expect((await room.get(a)!.host.sample()).rows).toBe(30 + 11);
  });

  test("a held prompt is refused once its generation turns out to be another's", async () => {
    const { room, send, refused } = await withMallory();
    await send(a, prompt(1));
    const { host, answers } = room.get(requester)!;
    await host.ask(request(1, PROMPT));
    expect(await refused(1)).toEqual([{ reason: "generation_not_running", member: a }]);
    expect(await answers.finished(1)).toEqual(await referenceAnswer(PROMPT, 12));
  });
});

test("what the room ended frees its slot on every stage", async () => {
  const pipeline = pipelineOver([a, b], { generationSlots: 1 });
  const room = await cpuRoom(pipeline, [requester], { stepMs: 1 });
  const { host, answers } = room.get(requester)!;
  await host.ask(request(1, PROMPT, { maxTokens: 200 }));
  await answers.until(() => answers.events.length >= 2);
  const members = [...room.keys()];
  const running = [{ generation: GenerationId.parse(2), requester }];
  for (const [name, { host }] of room)
    await host.setRoom(name, { term: "1", members, queued: [], running });
  await host.ask(request(2, PROMPT));
  expect(await answers.finished(2)).toEqual(await referenceAnswer(PROMPT, 12));
});

test("a channel is not read before it is opened", async () => {
  const room = await cpuRoom(pipelineOver([a]), [requester]);
  const { host, answers } = room.get(requester)!;
  const channel = new SlowChannel();
  await room.get(a)!.host.addChannel(7, requester, channel);
  const forged = encode({
    type: "ping",
    nonce: 1,
    echo: false,
    payload: new Uint8Array(),
  });
  channel.dispatchEvent(new MessageEvent("message", { data: Uint8Array.of(0, ...forged).buffer }));
  await host.ask(request(1, PROMPT)); // over the channel that is open already
  expect(await answers.finished(1)).toEqual(await referenceAnswer(PROMPT, 12));
  expect(channel.sent).toEqual([]);
  await room.get(a)!.host.openChannel(7);
  expect(channel.sent).not.toEqual([]);
});
