/** What happens in one run, as data: members, requests, and faults, all from a seed. */
import { randomNumbers } from "./world.ts";

export type MemberPlan = {
  readonly computes: "whole" | "half" | "no";
  readonly joinsAtMs: number;
  readonly clockRate: number;
  readonly stepMs: number;
};

export type AskPlan = {
  readonly atMs: number;
  readonly member: number;
  readonly prompt: readonly number[];
  readonly tokens: number;
  readonly seed: number;
};

/** Every fault ends; after the last one the room must recover. */
export type Fault = { readonly atMs: number } & (
  | {
      readonly kind: "killed" | "power_lost" | "left";
      readonly member: number;
      /** When another tab takes its place; null if none does. */
      readonly returnsAfterMs: number | null;
      /** A reloaded tab keeps its id. */
      readonly keepsId: boolean;
    }
  | { readonly kind: "frozen"; readonly member: number; readonly forMs: number }
  | {
      readonly kind: "link_cut";
      readonly member: number;
      readonly other: number;
      readonly forMs: number;
    }
  /** The members in `side` reach each other; the server too if `withServer`. */
  | {
      readonly kind: "partition";
      readonly side: readonly number[];
      readonly withServer: boolean;
      readonly forMs: number;
    }
  | { readonly kind: "server_down"; readonly forMs: number }
  | { readonly kind: "renamed"; readonly member: number }
  /** The frames channel of two members closes; the connection stays open. */
  | { readonly kind: "channel_closed"; readonly member: number; readonly other: number }
  /** The next step of its shard throws, or never ends. */
  | { readonly kind: "step_failed" | "step_hung"; readonly member: number }
);

export type Schedule = {
  readonly seed: number;
  readonly members: readonly MemberPlan[];
  readonly asks: readonly AskPlan[];
  readonly faults: readonly Fault[];
};

export type FaultKind = Fault["kind"];
export const FAULT_KINDS: readonly FaultKind[] = [
  "killed",
  "power_lost",
  "left",
  "frozen",
  "link_cut",
  "partition",
  "server_down",
  "renamed",
  "channel_closed",
  "step_failed",
  "step_hung",
];

const MAX_MEMBERS = 5;
const MAX_FAULTS = 5;
/** When the members have joined and the model is placed. */
const FAULTS_FROM_MS = 8_000;
const FAULTS_FOR_MS = 25_000;
/** Longer than heartbeats take, and than the server holds a silent name. */
const DURATIONS_MS = [300, 2_000, 6_000, 20_000, 40_000, 100_000];

export function scheduleOf(seed: number, kinds: readonly FaultKind[] = FAULT_KINDS): Schedule {
  const random = randomNumbers(seed);
  const below = (count: number) => Math.floor(random() * count);
  const oneOf = <T>(values: readonly T[]) => values[below(values.length)]!;
  const count = 2 + below(MAX_MEMBERS - 1);
  const isSplit = random() < 0.6;
  const members = Array.from({ length: count }, (_, index): MemberPlan => ({
    computes: index > 0 && random() < 0.25 ? "no" : isSplit ? "half" : "whole",
    joinsAtMs: index * 200 + below(1500),
    clockRate: 0.97 + 0.06 * random(),
    stepMs: 1 + below(8),
  }));
  // The whole model must fit.
  if (isSplit) members[1] = { ...members[1]!, computes: "half" };
  const asks = Array.from({ length: 1 + below(3) }, (): AskPlan => ({
    atMs: FAULTS_FROM_MS - 1000 + below(FAULTS_FOR_MS),
    member: below(count),
    prompt: Array.from({ length: 1 + below(12) }, () => below(96)),
    tokens: 5 + below(40),
    seed: below(1000),
  }));
  const faults = Array.from({ length: 1 + below(MAX_FAULTS) }, () => faultOf()).sort(
    (left, right) => left.atMs - right.atMs,
  );
  return { seed, members, asks, faults };

  function faultOf(): Fault {
    const kind = oneOf(kinds);
    // Often just when an answer has begun.
    const atMs =
      random() < 0.5 ? oneOf(asks).atMs + below(600) : FAULTS_FROM_MS + below(FAULTS_FOR_MS);
    const member = below(count);
    const forMs = oneOf(DURATIONS_MS) * (0.5 + random());
    switch (kind) {
      case "killed":
      case "power_lost":
      case "left":
        return {
          kind,
          atMs,
          member,
          returnsAfterMs: random() < 0.7 ? 500 + below(20_000) : null,
          keepsId: random() < 0.5,
        };
      case "frozen":
        return { kind, atMs, member, forMs };
      case "link_cut":
        return { kind, atMs, member, other: (member + 1 + below(count - 1)) % count, forMs };
      case "partition": {
        const side = members.map((_, index) => index).filter(() => random() < 0.5);
        return { kind, atMs, side, withServer: random() < 0.5, forMs };
      }
      case "server_down":
        return { kind, atMs, forMs };
      case "renamed":
      case "step_failed":
      case "step_hung":
        return { kind, atMs, member };
      case "channel_closed":
        return { kind, atMs, member, other: (member + 1 + below(count - 1)) % count };
    }
  }
}
