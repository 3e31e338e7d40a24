/** The handshake of two tabs, and of everybody who stands between them or pretends to be one. */
import { describe, expect, test } from "vitest";
import {
  type Admission,
  createAdmission,
  GUESS_BURST,
  GUESS_INTERVAL_MS,
  type ProvenBy,
} from "../../src/mesh/admission.ts";
import type { Control } from "../../src/mesh/control.ts";
import {
  fingerprintsOf,
  sortedFingerprints,
  type Fingerprints,
} from "../../src/mesh/fingerprints.ts";
import { type Handshake, openHandshake } from "../../src/mesh/handshake.ts";
import type { Role } from "../../src/mesh/proof.ts";
import { MemberId, RoomCode } from "../../src/shared/ids.ts";
import type { CloseFailure } from "../../src/shared/mesh-failure.ts";
import { createRoomSecret } from "../../src/shared/room-secret.ts";

const [A, B] = [MemberId.parse("a"), MemberId.parse("b")];
const code = RoomCode.parse("ABCDEF");
const secret = createRoomSecret();
let nowMs = 0;
const clock = { nowMs: () => nowMs };

const withSecret = (other = secret) => createAdmission(code, other, clock);
const withCode = (other = code) => createAdmission(other, null, clock);
/** A coordinator, which checks codes. */
function coordinator(): Admission {
  const admission = withSecret();
  admission.refuseCodes = () => null;
  return admission;
}

type End = {
  readonly handshake: Handshake;
  readonly said: Control[];
  readonly outcome: () => ProvenBy | CloseFailure | null;
};

type EndOptions = {
  readonly self?: MemberId;
  readonly peer?: MemberId;
  readonly role?: Role;
  readonly protocol?: number;
  readonly fingerprints?: Fingerprints | null;
};

/** One end, whose messages the test delivers. */
function end(admission: Admission, options: EndOptions = {}): End {
  const said: Control[] = [];
  let outcome: ReturnType<End["outcome"]> = null;
  const { fingerprints = sortedFingerprints("a's", "b's"), role = "caller" } = options;
  const handshake = openHandshake({
    self: role === "caller" ? A : B,
    peer: role === "caller" ? B : A,
    protocol: 3,
    ...options,
    role,
    admission,
    fingerprints: () => fingerprints,
    tell: (message) => said.push(structuredClone(message)),
    onProven: (provenBy) => (outcome = provenBy),
    onRefused: (failure) => (outcome = failure),
  });
  return { handshake, said, outcome: () => outcome };
}

const caller = (admission: Admission, options: EndOptions = {}) => end(admission, options);
const callee = (admission: Admission, options: EndOptions = {}) =>
  end(admission, { ...options, role: "callee" });

/** Delivers all messages, in order, until neither side sends more. */
function run(one: End, other: End): [ReturnType<End["outcome"]>, ReturnType<End["outcome"]>] {
  one.handshake.start();
  other.handshake.start();
  for (let at: [number, number] = [0, 0]; at[0] < one.said.length || at[1] < other.said.length;) {
    const [toOther, toOne] = [one.said.slice(at[0]), other.said.slice(at[1])];
    at = [one.said.length, other.said.length];
    toOther.forEach((message) => other.handshake.receive(message));
    toOne.forEach((message) => one.handshake.receive(message));
  }
  return [one.outcome(), other.outcome()];
}

describe("two tabs", () => {
  test("with the room's secret prove it to each other", () => {
    expect(run(caller(withSecret()), callee(withSecret()))).toEqual(["secret", "secret"]);
  });

  test("of which one has only the code prove that both have it, in either direction", () => {
    expect(run(caller(withCode()), callee(coordinator()))).toEqual(["code", "code"]);
    expect(run(caller(coordinator()), callee(withCode()))).toEqual(["code", "code"]);
  });

  test("with different secrets do not connect: the caller refuses, and tells the other side", () => {
    const outcomes = run(caller(withSecret(createRoomSecret())), callee(withSecret()));
    expect(outcomes).toEqual([{ reason: "wrong_secret" }, null]);
  });

  test("without the secret have nothing to prove", () => {
    expect(run(caller(withCode()), callee(withCode()))).toEqual([
      { reason: "peer_not_admitted", peer: B },
      { reason: "peer_not_admitted", peer: A },
    ]);
  });

  test("use a secret that arrived after the connection was made", () => {
    const late = withCode();
    const one = caller(late);
    late.key = { secret, succession: [] };
    expect(run(one, callee(withSecret()))).toEqual(["secret", "secret"]);
  });

  test("do not connect by a secret that the room has changed since the handshake began", () => {
    const [removed, member] = [caller(withSecret()), withSecret()];
    const other = callee(member);
    for (const { handshake } of [removed, other]) handshake.start();
    member.key = { secret: createRoomSecret(), succession: [] };
    expect(run(removed, other)[1]).toEqual({ reason: "wrong_secret" });
  });

  test("never send the secret or the code", () => {
    const ends = [
      caller(withCode()),
      callee(coordinator()),
      caller(withSecret()),
      callee(withSecret()),
    ];
    run(ends[0]!, ends[1]!);
    run(ends[2]!, ends[3]!);
    const said = JSON.stringify(ends.map((one) => one.said));
    expect(said).not.toContain(secret);
    expect(said).not.toContain(code);
  });
});

describe("versions", () => {
  const newer = (said: readonly Control[]) =>
    said.map((message) => ({ ...message, protocol: 4, more: 1 }));

  test("a newer tab with one more field and an older one both name both versions", () => {
    const [old, young] = [callee(withSecret()), caller(withSecret(), { protocol: 4 })];
    old.handshake.start();
    young.handshake.start();
    newer(young.said).forEach((message) => old.handshake.receive(message));
    old.said.forEach((message) => young.handshake.receive(message));
    expect(old.outcome()).toEqual({ reason: "version_mismatch", ours: 3, theirs: 4 });
    expect(young.outcome()).toEqual({ reason: "version_mismatch", ours: 4, theirs: 3 });
  });

  const hello = { type: "hello", protocol: 3, member: "a", nonce: "0".repeat(64), holds: "secret" };
  test.each<[string, unknown, object]>([
    [
      "an older version with missing fields",
      { type: "hello", protocol: 2 },
      { reason: "version_mismatch", ours: 3, theirs: 2 },
    ],
    ["another id", { ...hello, member: "other" }, { reason: "other_identity", peer: A }],
    ["an unknown field", { ...hello, more: 1 }, { reason: "not_tabmesh", peer: A }],
    ["no hello", { type: "message", body: 1 }, { reason: "not_tabmesh", peer: A }],
    ["no object", undefined, { reason: "not_tabmesh", peer: A }],
  ])("%s is refused", (_, message, refusal) => {
    const one = callee(withSecret());
    one.handshake.receive(message);
    expect(one.outcome()).toEqual(refusal);
  });
});

describe("a man in the middle, who relays every message and has a connection to each side", () => {
  const toA = { fingerprints: sortedFingerprints("a's", "mallory's") };
  const toB = { fingerprints: sortedFingerprints("b's", "mallory's") };

  test.each<[string, () => Admission, () => Admission, CloseFailure]>([
    ["the secret", withSecret, withSecret, { reason: "wrong_secret" }],
    ["the code", withCode, coordinator, { reason: "wrong_code" }],
  ])("is not admitted by either side with %s", (_, ofA, ofB, failure) => {
    const [a, b] = [caller(ofA(), toA), callee(ofB(), toB)];
    run(a, b);
    const outcomes = [a.outcome(), b.outcome()];
    expect(outcomes).toContainEqual(failure);
    expect(outcomes).not.toContain("secret");
    expect(outcomes).not.toContain("code");
  });

  test("who answers a newcomer itself has one guess at the code", () => {
    const guessing: Admission = { ...coordinator(), code: RoomCode.parse("ZZZZZZ") };
    expect(run(caller(withCode(), toA), callee(guessing, toA))[1]).toEqual({
      reason: "wrong_code",
    });
  });
});

describe("a stranger", () => {
  test("with a wrong code is refused with that reason, and gets no tag to compare codes with", () => {
    const guess = caller(withCode(RoomCode.parse("ZZZZZZ")));
    const member = callee(coordinator());
    expect(run(guess, member)[1]).toEqual({ reason: "wrong_code" });
    expect(member.said.map(({ type }) => type)).toEqual(["hello", "share"]);
  });

  test.each(["0".repeat(64), "ff".repeat(32)])("with the share %s is refused", (share) => {
    const member = callee(coordinator());
    const guess = caller(withCode());
    guess.handshake.start();
    member.handshake.receive(guess.said[0]);
    member.handshake.receive({ type: "share", share });
    expect(member.outcome()).toEqual({ reason: "wrong_code" });
  });

  test("that reflects a member's own messages is refused", () => {
    const member = callee(withSecret());
    const hello = caller(withSecret());
    hello.handshake.start();
    member.handshake.receive(hello.said[0]);
    const proof = member.said.find(({ type }) => type === "proof");
    member.handshake.receive(proof);
    expect(member.outcome()).toEqual({ reason: "wrong_secret" });
  });

  test.each<[string, () => Admission, () => Admission, CloseFailure["reason"]]>([
    ["secret", withSecret, withSecret, "wrong_secret"],
    ["code", withCode, coordinator, "wrong_code"],
  ])("that replays what a member said when it proved its %s is refused", (_, ofA, ofB, reason) => {
    const recorded = caller(ofA());
    run(recorded, callee(ofB()));
    const victim = callee(ofB());
    recorded.said.forEach((message) => victim.handshake.receive(message));
    expect(victim.outcome()).toMatchObject({ reason });
  });

  test.each<[string, readonly object[]]>([
    ["skips the proof", [{ type: "message", body: "let me in" }]],
    ["welcomes itself", [{ type: "welcome" }]],
    ["sends an unknown message", [{ type: "obey" }]],
    [
      "greets twice",
      [{ type: "hello", protocol: 3, member: "a", nonce: "0".repeat(64), holds: "secret" }],
    ],
    ["confirms without a share", [{ type: "confirm", tag: "0".repeat(128) }]],
  ])("that %s is refused", (_, messages) => {
    const member = callee(withSecret());
    const greeting = caller(withSecret());
    greeting.handshake.start();
    member.handshake.receive(greeting.said[0]);
    messages.forEach((message) => member.handshake.receive(message));
    expect(member.outcome()).toMatchObject({ reason: "protocol_violation", peer: A });
  });

  test("is refused by members that do not check codes, before any guess", () => {
    const refusal = { reason: "room_locked" } as const;
    const locked = withSecret();
    locked.refuseCodes = () => refusal;
    const atLocked = callee(locked);
    expect(run(caller(withCode()), atLocked)[1]).toEqual(refusal);
    expect(atLocked.said.map(({ type }) => type)).toEqual(["hello"]);
    expect(run(caller(withCode()), callee(withSecret()))[1]).toEqual({
      reason: "code_not_checked_here",
      peer: B,
    });
  });

  test("on a connection without certificates is refused", () => {
    expect(
      run(caller(withSecret(), { fingerprints: null }), callee(withSecret()))[0],
    ).toMatchObject({
      reason: "protocol_violation",
    });
  });
});

describe("guesses", () => {
  const guess = (member: Admission, guessed = RoomCode.parse("ZZZZZZ")) =>
    run(caller(withCode(guessed)), callee(member))[1];

  test("are limited together: a burst, then one per interval, with the time to wait", () => {
    const member = coordinator();
    for (let count = 0; count < GUESS_BURST; count++) {
      expect(guess(member)).toEqual({ reason: "wrong_code" });
    }
    expect(guess(member)).toEqual({ reason: "too_many_guesses", waitMs: GUESS_INTERVAL_MS });
    nowMs += GUESS_INTERVAL_MS - 1000;
    expect(guess(member)).toEqual({ reason: "too_many_guesses", waitMs: 1000 });
    nowMs += 1000;
    expect(guess(member)).toEqual({ reason: "wrong_code" });
    expect(guess(member)).toMatchObject({ reason: "too_many_guesses" });
  });

  test("that are refused do not show whether they were right, and cost the link nothing", () => {
    const member = coordinator();
    for (let count = 0; count < GUESS_BURST; count++) guess(member);
    expect(guess(member, code)).toMatchObject({ reason: "too_many_guesses" });
    expect(run(caller(withSecret()), callee(member))).toEqual(["secret", "secret"]);
  });

  test("that are right are free, also many at once", () => {
    const member = coordinator();
    const many = Array.from({ length: 3 * GUESS_BURST }, () => guess(member, code));
    expect(new Set(many)).toEqual(new Set(["code"]));
  });
});

test("fingerprints are all of both descriptions, in one order and spelling on both sides", () => {
  const description = (...lines: string[]) =>
    ({ sdp: ["v=0", ...lines, "a=setup:actpass", ""].join("\r\n") }) as RTCSessionDescription;
  const one = description("a=fingerprint:sha-256 AB:CD", "a=fingerprint:sha-256 AB:CD");
  const other = description("a=fingerprint:SHA-256 ef:01");
  const two = description("a=fingerprint:sha-256 99:99", "a=fingerprint:sha-256 EF:01");
  const found = fingerprintsOf({ localDescription: one, remoteDescription: other });
  expect(found).toEqual(["sha-256 ab:cd", "sha-256 ef:01"]);
  expect(fingerprintsOf({ localDescription: other, remoteDescription: one })).toEqual(found);
  expect(fingerprintsOf({ localDescription: one, remoteDescription: two })).not.toEqual(found);
  expect(fingerprintsOf({ localDescription: one, remoteDescription: description() })).toBeNull();
  expect(fingerprintsOf({ localDescription: one, remoteDescription: null })).toBeNull();
});
