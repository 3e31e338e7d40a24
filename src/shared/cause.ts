/** What the failure of a stage can be traced to. */
import { z } from "zod";
import { EngineFailure } from "./engine-failure.ts";
import { Unexpected } from "./failure-schema.ts";
import { MeshFailure } from "./mesh-failure.ts";
import { ModelFailure } from "./model-failure.ts";
import { WorkerFailure } from "./worker-failure.ts";

export const Cause = z.discriminatedUnion("reason", [
  ModelFailure,
  MeshFailure,
  EngineFailure,
  WorkerFailure,
  Unexpected,
]);
export type Cause = z.infer<typeof Cause>;
