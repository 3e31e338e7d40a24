/** Members, a prompt, and frames of one generation, for the tests of stages. */
import type { HiddenFrame, TokenFrame } from "../../src/mesh/frames.ts";
import { GenerationId } from "../../src/shared/ids.ts";
import { member } from "../../tools/cpu/cpu-room.ts";
import { HIDDEN } from "../../tools/cpu/cpu-shard.ts";

export const a = member("a");
export const b = member("b");
export const c = member("c");
export const requester = member("requester");

export const PROMPT = Array.from({ length: 30 }, (_, index) => (index * 7) % 96);
export const header = { placement: 1, epoch: 1 };
export const generation = GenerationId.parse(1);

export function hiddenFrame(position: number, change: Partial<HiddenFrame> = {}): HiddenFrame {
  return {
    type: "hidden",
    ...header,
    ...{ width: HIDDEN, hidden: new Float32Array(HIDDEN) },
    segments: [{ generation, position, count: 1, clocks: [] }],
    ...change,
  };
}

export function tokenFrame(position: number, change: Partial<TokenFrame> = {}): TokenFrame {
  return {
    type: "token",
    ...header,
    ...{ generation, position, token: 1, logprob: null, top: [], finish: null },
    ...{ clocks: [] },
    ...change,
  };
}
