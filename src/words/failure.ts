/** Any failure in a sentence or two: what happened, and what to do about it. */
import type { Failure } from "../shared/index.ts";
import { meshFailures } from "./mesh-failure.ts";
import { modelFailures } from "./model-failure.ts";
import { describer, type NameOf, type Sentences } from "./sentences.ts";
import { stageFailures } from "./stage-failure.ts";
import { engineFailures } from "./engine-failure.ts";
import { workerFailures } from "./worker-failure.ts";

export const failures: Sentences<Failure> = {
  ...modelFailures,
  ...meshFailures,
  ...stageFailures,
  ...engineFailures,
  ...workerFailures,
  unexpected: ({ detail }) => detail,
};

const describe = describer(failures);

export function describeFailure(failure: Failure, nameOf: NameOf): string {
  return describe(failure, nameOf, causeIn(nameOf));
}

/** Describes a cause as a part of a sentence: without its full stop. */
export function causeIn(nameOf: NameOf): (cause: Failure) => string {
  return (cause) => describeFailure(cause, nameOf).replace(/\.$/, "");
}
