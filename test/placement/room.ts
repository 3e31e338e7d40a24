/** A room of three machines as measurements: a desktop, a laptop and a phone. */
import { MemberId } from "../../src/shared/ids.ts";
import type { DeviceState, Link, Member } from "../../src/shared/member.ts";
import type { ModelSummary } from "../../src/shared/model.ts";
import { DEFAULT_PLACEMENT_RULES, type PlacementRules } from "../../src/shared/placement-rules.ts";
import type { RoomFacts } from "../../src/placement/problem/room-problem.ts";

export const MODEL: ModelSummary = {
  name: "test-model",
  source: { kind: "url", url: "http://localhost/test.gguf" },
  contentId: "abc",
  fileBytes: 1_300_000_000,
  architecture: "llama",
  quantization: "Q4_1",
  contextTokens: 8192,
  vocabulary: 32_000,
  hidden: 2048,
  layers: Array.from({ length: 20 }, () => ({
    weightBytes: 50_000_000,
    kvBytesPerToken: 2048,
    macs: 80_000_000,
  })),
  embedBytes: 40_000_000,
  headBytes: 0,
  headMacs: 65_000_000,
  tied: true,
  largestTensorBytes: 40_000_000,
  scratch: {
    ...{ fixedBytes: 4_000_000, rowBytes: 60_000, positionBytes: 256, splitBytes: 70_000 },
    answerBytes: 400_000,
  },
};

export const HEALTHY: DeviceState = {
  memoryBudgetBytes: 800_000_000,
  memoryUsedBytes: 0,
  tokensPerSecond: 0,
  stepMs: 0,
  busyFraction: 0,
  throttleRatio: 1,
  pressure: "nominal",
  batteryLevel: null,
  batteryCharging: null,
  visible: true,
  updatedAtMs: 0,
};

export function member(
  id: string,
  macsPerMs: number,
  budgetBytes: number,
  device: Partial<DeviceState> = {},
): Member {
  return {
    id: MemberId.parse(id),
    name: id,
    color: 0,
    adapter: {
      vendor: "test",
      architecture: "",
      device: "",
      description: "",
      browser: "Chromium 156",
      software: false,
      features: ["shader-f16"],
      maxBufferBytes: 1 << 30,
      maxStorageBindingBytes: 1 << 28,
      maxWorkgroupStorageBytes: 16_384,
      maxWorkgroupInvocations: 256,
      maxStorageBuffersPerStage: 8,
    },
    noAdapter: null,
    measurements: {
      copyBytesPerMs: 20_000_000,
      f32FlopsPerMs: 1e9,
      f16FlopsPerMs: null,
      matVecMacsPerMs: macsPerMs,
      matMulMacsPerMs: macsPerMs * 8,
      dispatchMs: 0.01,
      readbackMs: 0.5,
      submitWhileWaitingHelps: false,
      memoryBudgetBytes: budgetBytes,
      measuredAtMs: 0,
    },
    device: { ...HEALTHY, memoryBudgetBytes: budgetBytes, ...device },
    shard: null,
  };
}

export function links(ids: readonly string[], roundTripMs = 4): Link[] {
  return ids.flatMap((from) =>
    ids
      .filter((to) => to !== from)
      .map((to) => ({
        from: MemberId.parse(from),
        to: MemberId.parse(to),
        roundTripMs,
        bytesPerMs: 10_000,
        payloadBytes: 8192,
        measuredAtMs: 0,
      })),
  );
}

/** Three members, of which two are needed. */
export function room(
  change: Partial<Record<"desktop" | "laptop" | "phone", Partial<Member>>> = {},
  rules: Partial<PlacementRules> = {},
): RoomFacts {
  const members = [
    member("desktop", 80_000_000, 800_000_000),
    member("laptop", 40_000_000, 800_000_000),
    member("phone", 20_000_000, 800_000_000),
  ].map((each) => ({ ...each, ...change[each.id as unknown as "desktop"] }));
  return {
    members,
    links: links(members.map(({ id }) => id)),
    settings: {
      contextTokens: 1024,
      generationSlots: 1,
      placementRules: { ...DEFAULT_PLACEMENT_RULES, ...rules },
    },
    placement: null,
  };
}
