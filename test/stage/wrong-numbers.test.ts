/** A stage that computes or sends unusable numbers ends the answer, and is named. */
import { describe, expect, test } from "vitest";
import type { HiddenFrame, TokenFrame } from "../../src/mesh/frames.ts";
import type { MemberId } from "../../src/shared/ids.ts";
import type { StageFailure } from "../../src/shared/stage-failure.ts";
import { allFinite } from "../../src/stage/frame-faults.ts";
import { cpuRoom, pipelineOver, referenceAnswer, request } from "../../tools/cpu/cpu-room.ts";
import { VOCABULARY } from "../../tools/cpu/cpu-shard.ts";
import { a, b, c, hiddenFrame, PROMPT, requester, tokenFrame } from "./samples.ts";

describe.each([
  { stages: [a, b, c], broken: a, failure: { reason: "hidden_state_not_finite", stage: 0 } },
  { stages: [a, b, c], broken: b, failure: { reason: "hidden_state_not_finite", stage: 1 } },
  { stages: [a, b, c], broken: c, failure: { reason: "logits_not_finite", stage: 2 } },
  { stages: [a], broken: a, failure: { reason: "logits_not_finite", stage: 0 } },
])("when $broken of $stages computes", ({ stages, broken, failure }) => {
  test.each([NaN, Infinity, -Infinity])("%f, the answer fails and names it", async (value) => {
    const room = await cpuRoom(pipelineOver(stages), [requester]);
    const { host, answers } = room.get(requester)!;
    await host.ask(request(1, PROMPT, { maxTokens: 200 }));
    await answers.until(() => answers.events.length >= 3);
    room.get(broken)!.shard().poison = value;
    await expect(answers.finished(1)).rejects.toMatchObject({
      failure: { ...failure, member: broken },
    });
    room.get(broken)!.shard().poison = null;
    await host.ask(request(2, PROMPT));
    expect(await answers.finished(2)).toEqual(await referenceAnswer(PROMPT, 12));
  });
});

/** Two stages with an answer in progress, of which the test plays one. */
async function inProgress(played: MemberId) {
  const room = await cpuRoom(pipelineOver([a, b]), [requester]);
  const { host, answers } = room.get(requester)!;
  const steps = room.get(b)!.shard();
  const step = steps.step.bind(steps);
  let tokens = 0;
  // The last stage stops after two tokens: what follows is the test's.
  const stopped = new Promise<void>((resolve) => {
    steps.step = async (...input) => {
      const result = await step(...input);
      if (result.kind === "tokens") tokens += result.tokens.length;
      if (tokens <= 2) return result;
      resolve();
      return new Promise(() => undefined);
    };
  });
  await host.ask(request(1, PROMPT, { maxTokens: 200 }));
  await stopped;
  const send = (to: MemberId, frame: HiddenFrame | TokenFrame) => room.get(played)!.say(to, frame);
  return { answers, send };
}

describe("hidden states", () => {
  const sender = { stage: 0, member: a };

  test.each<[string, HiddenFrame, StageFailure]>([
    [
      "that are repeated",
      hiddenFrame(31),
      { reason: "position_not_next", ...sender, position: 31, expected: 32 },
    ],
    [
      "that skip a position",
      hiddenFrame(33),
      { reason: "position_not_next", ...sender, position: 33, expected: 32 },
    ],
    [
      "of another model",
      hiddenFrame(32, { width: 8, hidden: new Float32Array(8) }),
      { reason: "hidden_state_mismatch", ...sender },
    ],
  ])("%s end the answer", async (_, frame, failure) => {
    const { answers, send } = await inProgress(a);
    await send(b, frame);
    await expect(answers.finished(1)).rejects.toMatchObject({ failure });
  });
});

describe("tokens", () => {
  const sender = { stage: 1, member: b };
  const unknown = { token: VOCABULARY, vocabulary: VOCABULARY };

  test.each<[string, TokenFrame, StageFailure]>([
    [
      "that are repeated",
      tokenFrame(31),
      { reason: "position_not_next", ...sender, position: 31, expected: 32 },
    ],
    [
      "that skip a position",
      tokenFrame(40),
      { reason: "position_not_next", ...sender, position: 40, expected: 32 },
    ],
    [
      "that the model does not have",
      tokenFrame(32, { token: VOCABULARY }),
      { reason: "token_unknown", ...sender, ...unknown },
    ],
    [
      "listed with probabilities that the model does not have",
      tokenFrame(32, { top: [{ token: VOCABULARY, logprob: 0 }] }),
      { reason: "token_unknown", ...sender, ...unknown },
    ],
  ])("%s end the answer at the requester and at stage 0", async (_, frame, failure) => {
    for (const to of [requester, a]) {
      const { answers, send } = await inProgress(b);
      await send(to, frame);
      await expect(answers.finished(1)).rejects.toMatchObject({ failure });
    }
  });
});

test("a prompt with a token that the model does not have is refused", async () => {
  const { host, answers } = (await cpuRoom(pipelineOver([a, b]), [requester])).get(requester)!;
  await host.ask(request(1, [1, VOCABULARY]));
  await expect(answers.finished(1)).rejects.toMatchObject({
    failure: { reason: "prompt_token_unknown", token: VOCABULARY, vocabulary: VOCABULARY },
  });
});

test.each([0, 1, 3, 4, 5, 23])("allFinite finds any number that is not, at %i of 24", (at) => {
  const numbers = Float32Array.from({ length: 24 }, (_, index) => index * 1e37 - 1e38);
  expect(allFinite(numbers)).toBe(true);
  for (const value of [NaN, Infinity, -Infinity])
    expect(allFinite(numbers.with(at, value))).toBe(false);
  expect(allFinite(new Float32Array())).toBe(true);
});
