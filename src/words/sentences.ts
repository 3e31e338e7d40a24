/** Tables with one sentence per case of tagged data, so that the compiler finds a case without one. */
import type { Failure } from "../shared/index.ts";
import type { NameOf } from "./name-of.ts";

type Tagged = { readonly kind: string } | { readonly reason: string };

/** The tag is `kind`, or else `reason`. */
type TagOf<Data> = Data extends { readonly kind: infer Kind extends string }
  ? Kind
  : Data extends { readonly reason: infer Reason extends string }
    ? Reason
    : never;

type CaseOf<Data, Tag> = Extract<Data, { readonly kind: Tag } | { readonly reason: Tag }>;

export type Sentences<Data extends Tagged> = {
  readonly [Tag in TagOf<Data>]: (
    data: CaseOf<Data, Tag>,
    nameOf: NameOf,
    /** Without a full stop, to be part of another sentence. */
    describeCause: (cause: Failure) => string,
  ) => string;
};

/** The sentence for `data`. Tables whose sentences have no causes need no `describeCause`. */
export function render<Data extends Tagged>(
  sentences: Sentences<Data>,
  data: Data,
  nameOf: NameOf = String,
  describeCause: (cause: Failure) => string = ({ reason }) => reason,
): string {
  const tag = ("kind" in data ? data.kind : data.reason) as TagOf<Data>;
  return sentences[tag](data as CaseOf<Data, typeof tag>, nameOf, describeCause);
}
