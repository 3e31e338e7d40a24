/** What the page says about input that cannot be sent, and of answers that wait or ended. */
import { expect, test } from "vitest";
import {
  type AnswerStatus,
  describeAnswerStatus,
  describeInputProblem,
  type InputProblem,
} from "../../src/words/index.ts";

test.each<[InputProblem, string]>([
  [
    { kind: "room_code_character", character: "O" },
    "Room codes don't contain “O”, because it is easily misread. Check the code on the other screen.",
  ],
  [
    { kind: "room_code_character", character: "!" },
    "Room codes don't contain “!”. Check the code on the other screen.",
  ],
  [{ kind: "room_code_empty" }, "Enter the six characters shown on the other screen."],
  [{ kind: "room_code_short", missing: 1 }, "Enter 1 more character. A room code has six."],
  [{ kind: "room_code_short", missing: 2 }, "Enter 2 more characters. A room code has six."],
  [{ kind: "room_link_incomplete" }, "This link is incomplete. Copy the whole link again."],
  [{ kind: "settings_out_of_range" }, "Not saved. Check that every number is within its limits."],
  [
    { kind: "connection_lost" },
    "The connection to the room is lost. You can chat again once it is restored.",
  ],
  [{ kind: "no_model" }, "Choose a model to start chatting."],
  [{ kind: "model_not_placed" }, "The model could not be placed. See the error under Placement."],
])("%o", (problem, sentence) => {
  expect(describeInputProblem(problem)).toBe(sentence);
});

test.each<[AnswerStatus, string, string | null]>([
  ["queued", "", "Waiting in the queue"],
  ["streaming", "", "Processing the prompt"],
  ["streaming", "Once", null],
  ["token_limit", "Once", "The answer reached its limit of 1,024 tokens."],
  ["context_full", "Once", "The answer ended because the context is full."],
  ["failed", "", "The answer failed for an unknown reason."],
  ["stopped", "Once", null],
  ["done", "Once", null],
])("an answer that is %s, with the text %j", (status, text, sentence) => {
  expect(describeAnswerStatus({ status, text, tokens: 1024, error: null, recovery: null })).toBe(
    sentence,
  );
});

test("a failed answer says why, and a screen reader hears how an answer ended", () => {
  const failed = {
    status: "failed",
    text: "",
    tokens: 0,
    error: "The GPU was lost.",
    recovery: null,
  } as const;
  expect(describeAnswerStatus(failed)).toBe("The GPU was lost.");
  const recovery = "Ada left. Recovering: loading layers.";
  const paused = { ...failed, status: "queued", text: "Once", error: null, recovery } as const;
  expect(describeAnswerStatus(paused)).toBe(recovery);
});
