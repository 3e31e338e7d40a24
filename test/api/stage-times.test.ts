/** The times of an answer's stages, as its body reports them. */
import { expect, test } from "vitest";
import type { AnswerEvent } from "../../src/cluster/index.ts";
import { StageTimes } from "../../src/api/http/stage-times.ts";
import { sampleState } from "../../tools/room/sample-events.ts";

const lap = (computeMs: number): AnswerEvent => ({
  kind: "token",
  token: 1,
  text: "a",
  logprob: 0,
  top: [],
  computeMs: [computeMs],
  hopMs: [1],
});

test("an answer that was interrupted reports the stages that it continued on", () => {
  const times = new StageTimes(sampleState);
  for (const event of [lap(90), lap(2), lap(4)]) times.add(event);
  times.add({ kind: "interrupted", failure: { reason: "generation_forgotten" } });
  for (const event of [lap(80), lap(7)]) times.add(event);
  const { stages } = times.summary({
    kind: "finished",
    finish: "stop",
    limit: null,
    text: "",
    usage: { promptTokens: 3, completionTokens: 5 },
    firstTokenMs: 90,
    totalMs: 200,
  });
  expect(stages).toMatchObject([{ compute_ms: 7 }]);
});
