/** Frames of every type with random contents, as stages send them. */
import { encode, type Frame, type StageClock } from "../../src/mesh/index.ts";
import { GenerationId, GREEDY, MemberId } from "../../src/shared/index.ts";
import type { Random } from "../placement/random.ts";
import type { Bytes } from "./mutate.ts";

export function sampleFrame(random: Random): Bytes {
  return encode(frame(random));
}

function frame(random: Random): Frame {
  const header = { placement: random.whole(0, 3), epoch: random.whole(0, 3) };
  const generation = GenerationId.parse(random.whole(1, 9));
  const numbers = () =>
    Uint32Array.from({ length: random.whole(1, 8) }, () => random.whole(0, 2 ** 32 - 1));
  const clocks = (): StageClock[] =>
    Array.from({ length: random.whole(0, 3) }, () => ({ computeMs: 1.5, waitMs: 0, linkMs: 0.5 }));
  const payload = new Uint8Array(random.whole(0, 30));
  switch (random.whole(0, 7)) {
    case 0: {
      const requester = MemberId.parse(random.pick(["a", "tab-12345678"]));
      const sampling = { ...GREEDY, seed: random.whole(0, 99) };
      const tokens = { endTokens: [...numbers()], tokens: numbers() };
      return {
        ...header,
        type: "prompt",
        answer: "a",
        resumes: true,
        generation,
        requester,
        maxTokens: 9,
        sampling,
        ...tokens,
      };
    }
    case 1: {
      const segments = Array.from({ length: random.whole(1, 3) }, () => ({
        generation,
        position: random.whole(0, 100),
        count: random.whole(1, 3),
        clocks: clocks(),
      }));
      const width = random.whole(1, 8);
      const rows = segments.reduce((sum, { count }) => sum + count, 0);
      return { ...header, type: "hidden", width, segments, hidden: new Float32Array(rows * width) };
    }
    case 2: {
      const top = Array.from({ length: random.whole(0, 3) }, () => ({ token: 1, logprob: -0.5 }));
      const finish = random.pick([null, "stop", "length"] as const);
      const token = { position: 3, token: 7, logprob: random.pick([null, -1]), top, finish };
      return { ...header, type: "token", generation, ...token, clocks: clocks() };
    }
    case 3:
      return { ...header, type: "end", generation, reason: "finished" };
    case 4: {
      const cause = { reason: "unexpected", detail: "lost" } as const;
      const failure = { reason: "device_lost_in_step", cause } as const;
      return { ...header, type: "failure", generation, failure };
    }
    case 5:
      return { type: "ping", nonce: 7, echo: random.whole(0, 1) === 1, payload };
    case 6:
      return { ...header, type: "resume", generation, from: 3 };
    default:
      return { type: "pong", nonce: 7, payload };
  }
}
