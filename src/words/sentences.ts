/** A table with one sentence per reason, so that the compiler finds a reason without one. */
import type { Failure } from "../shared/index.ts";
import type { NameOf } from "./name-of.ts";

export type Sentences<Data extends { readonly reason: string }> = {
  readonly [Reason in Data["reason"]]: (
    failure: Extract<Data, { readonly reason: Reason }>,
    nameOf: NameOf,
    /** Without a full stop, to be part of another sentence. */
    describeCause: (cause: Failure) => string,
  ) => string;
};
