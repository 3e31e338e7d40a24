/** Any failure in a sentence or two: what happened, and what to do about it. */
import type { Failure } from "../shared/index.ts";
import { meshFailures } from "./mesh-failure.ts";
import { modelFailures } from "./model-failure.ts";
import type { NameOf } from "./name-of.ts";
import type { Sentences } from "./sentences.ts";
import { stageFailures } from "./stage-failure.ts";
import { engineFailures } from "./engine-failure.ts";
import { workerFailures } from "./worker-failure.ts";

const SENTENCES: Sentences<Failure> = {
  ...modelFailures,
  ...meshFailures,
  ...stageFailures,
  ...engineFailures,
  ...workerFailures,
  unexpected: ({ detail }) => detail,
};

export function describeFailure(failure: Failure, nameOf: NameOf): string {
  const sentence = SENTENCES[failure.reason] as Sentences<Failure>["unexpected"];
  const describeCause = (cause: Failure) => describeFailure(cause, nameOf).replace(/\.$/, "");
  return sentence(failure as Extract<Failure, { reason: "unexpected" }>, nameOf, describeCause);
}
