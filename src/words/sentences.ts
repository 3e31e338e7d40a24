/** Names, and tables with one sentence per case of tagged data, so that the compiler finds a case without one. */
import type { Failure, MemberId, RoomState } from "../shared/index.ts";

/** What people call a member. */
export type NameOf = (id: MemberId) => string;

/** The names that the room knows, also of members that left; an unknown member is its id. */
export function nameOfRoom(state: Pick<RoomState, "members" | "formerMembers"> | null): NameOf {
  return nameOfMembers([...(state?.formerMembers ?? []), ...(state?.members ?? [])]);
}

export function nameOfMembers(
  members: readonly { readonly id: MemberId; readonly name: string }[],
): NameOf {
  const names = new Map(members.map(({ id, name }) => [id, name]));
  return (id) => names.get(id) ?? id;
}

/** The tag is `type`, or else `kind`, or else `reason`. */
type Tagged = { readonly type: string } | { readonly kind: string } | { readonly reason: string };

type TagOf<Data> = Data extends { readonly type: infer Type extends string }
  ? Type
  : Data extends { readonly kind: infer Kind extends string }
    ? Kind
    : Data extends { readonly reason: infer Reason extends string }
      ? Reason
      : never;

type CaseOf<Data, Tag> = Extract<
  Data,
  { readonly type: Tag } | { readonly kind: Tag } | { readonly reason: Tag }
>;

/** `Result` is a sentence, or has some. */
export type Sentences<Data extends Tagged, Result = string> = {
  readonly [Tag in TagOf<Data>]: (
    data: CaseOf<Data, Tag>,
    nameOf: NameOf,
    /** Without a full stop, to be part of another sentence. */
    describeCause: (cause: Failure) => string,
  ) => Result;
};

/** A function that makes the sentence for its data. Tables without causes need no `describeCause`. */
export function describer<Data extends Tagged, Result = string>(
  sentences: Sentences<Data, Result>,
) {
  return (
    data: Data,
    nameOf: NameOf,
    describeCause: (cause: Failure) => string = ({ reason }) => reason,
  ): Result => {
    const tag = (
      "type" in data ? data.type : "kind" in data ? data.kind : data.reason
    ) as TagOf<Data>;
    return sentences[tag](data as CaseOf<Data, typeof tag>, nameOf, describeCause);
  };
}

/** The same for a table whose sentences name no members. */
export function namelessDescriber<Data extends Tagged>(
  sentences: Sentences<Data>,
): (data: Data) => string {
  const describe = describer(sentences);
  return (data) => describe(data, String);
}
