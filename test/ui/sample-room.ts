/** Members, models and placements to build sample views of: real shapes, made-up machines. */
import { MemberId, PlacementId, RoomCode } from "../../src/shared/ids.ts";
import type { KernelReport } from "../../src/shared/kernel-report.ts";
import type { Link, Member, ShardState } from "../../src/shared/member.ts";
import type { ModelSummary } from "../../src/shared/model.ts";
import {
  DEFAULT_SETTINGS,
  type RoomState,
  type Placement,
  type Stage,
} from "../../src/shared/state.ts";

export const ROOM = RoomCode.parse("K7QM3X");

export const id = (text: string): MemberId => MemberId.parse(text);

const KERNELS: KernelReport = {
  traits: { lowParallelism: false, rowsPerChunk: 128 },
  choices: [
    {
      kind: "attention",
      shape: "32/8x64",
      workload: "decode",
      winner: "workgroup",
      ratePerMs: 8.3,
      others: [{ name: "threads", speed: 0.31 }],
    },
    {
      kind: "product",
      shape: "Q4_1 int8 8192x2048",
      workload: "decode",
      winner: "split 4x1 wg64",
      ratePerMs: 9.1e7,
      others: [{ name: "threads 4x1 wg16", speed: 0.72 }],
    },
  ],
  tuning: { status: "measured" },
};

type Chip = {
  readonly vendor: string;
  readonly architecture: string;
  readonly browser: string;
  readonly software: boolean;
  /** Scales all rates; 1 is a laptop's integrated GPU. */
  readonly speed: number;
  readonly memoryBytes: number;
};

const CHIPS: readonly Chip[] = [
  {
    vendor: "nvidia",
    architecture: "ada-lovelace",
    browser: "Chromium 156",
    software: false,
    speed: 9,
    memoryBytes: 11e9,
  },
  {
    vendor: "apple",
    architecture: "metal-3",
    browser: "Chromium 156",
    software: false,
    speed: 5,
    memoryBytes: 12e9,
  },
  {
    vendor: "intel",
    architecture: "xe-lpg",
    browser: "Firefox 153",
    software: false,
    speed: 1,
    memoryBytes: 5.6e9,
  },
  {
    vendor: "qualcomm",
    architecture: "adreno-7xx",
    browser: "Chromium 156",
    software: false,
    speed: 0.7,
    memoryBytes: 1.6e9,
  },
  {
    vendor: "google",
    architecture: "swiftshader",
    browser: "Chromium 156",
    software: true,
    speed: 0.02,
    memoryBytes: 0.9e9,
  },
];

/** A computing member; `index` picks its chip and shifts its numbers. */
export function member(index: number, name: string, shard: ShardState | null = null): Member {
  const chip = CHIPS[index % CHIPS.length]!;
  const phone = chip.vendor === "qualcomm";
  return {
    id: id(`member-${index}`),
    name,
    color: index,
    adapter: {
      vendor: chip.vendor,
      architecture: chip.architecture,
      device: "",
      description: "",
      browser: chip.browser,
      software: chip.software,
      features: ["timestamp-query", "shader-f16", "subgroups"],
      maxBufferBytes: 2147483648,
      maxStorageBindingBytes: 2147483644,
      maxWorkgroupStorageBytes: 32768,
      maxWorkgroupInvocations: 1024,
      maxStorageBuffersPerStage: 10,
    },
    noAdapter: null,
    measurements: {
      copyBytesPerMs: 62e6 * chip.speed,
      f32FlopsPerMs: 1.9e9 * chip.speed,
      f16FlopsPerMs: chip.software ? null : 3.6e9 * chip.speed,
      matVecMacsPerMs: 96e6 * chip.speed,
      matMulMacsPerMs: 640e6 * chip.speed,
      dispatchMs: 0.011 / Math.max(1, chip.speed),
      readbackMs: chip.browser.startsWith("Firefox") ? 1.84 : 0.41,
      submitWhileWaitingHelps: chip.browser.startsWith("Firefox"),
      memoryBudgetBytes: chip.memoryBytes,
      measuredAtMs: 0,
    },
    device: {
      memoryBudgetBytes: chip.memoryBytes,
      memoryUsedBytes:
        shard === null ? 0.04e9 : Math.min(chip.memoryBytes, shard.totalBytes * 1.15),
      tokensPerSecond: 18.4,
      stepMs: 4.2,
      busyFraction: 0.2 + ((index * 7) % 8) / 10,
      throttleRatio: phone ? 1.62 : 1.02,
      pressure: chip.browser.startsWith("Firefox") ? null : phone ? "serious" : "nominal",
      batteryLevel: phone ? 0.17 : index % 3 === 1 ? 0.82 : null,
      batteryCharging: phone ? false : index % 3 === 1 ? true : null,
      visible: !phone,
      updatedAtMs: 0,
    },
    shard,
  };
}

const NO_ADAPTERS = {
  observer: { reason: "observer" },
  insecure_context: { reason: "insecure_context", url: "http://192.168.1.5:8787/" },
  no_webgpu: { reason: "no_webgpu", browser: "Safari 17" },
} as const;

export function watcher(
  index: number,
  reason: "observer" | "insecure_context" | "no_webgpu",
): Member {
  return {
    ...member(index, `Safari 17 on iPad (${reason.replaceAll("_", " ")})`),
    adapter: null,
    measurements: null,
    device: null,
    noAdapter: NO_ADAPTERS[reason],
  };
}

export function model(name: string, layers: number, layerBytes: number): ModelSummary {
  return {
    name,
    source: { kind: "url", url: `https://models.example/${name}.gguf` },
    contentId: "c0ffee",
    fileBytes: layers * layerBytes + 2 * layerBytes,
    architecture: "llama",
    quantization: "Q4_1",
    contextTokens: 8192,
    vocabulary: 49152,
    hidden: layers > 40 ? 8192 : 576,
    layers: Array.from({ length: layers }, () => ({
      weightBytes: layerBytes,
      kvBytesPerToken: layers > 40 ? 4096 : 768,
      macs: layerBytes * 1.6,
    })),
    embedBytes: layerBytes,
    headBytes: layerBytes,
    headMacs: layerBytes * 1.6,
    tied: true,
    largestTensorBytes: layerBytes,
    scratch: { fixedBytes: 0, rowBytes: 0, positionBytes: 0, splitBytes: 0, answerBytes: 0 },
  };
}

export const SMALL_MODEL = model("SmolLM2-135M-Instruct.Q4_1", 30, 2.35e6);
export const LARGE_MODEL = model("Llama-3.1-405B-Instruct.Q4_K_M", 126, 1.88e9);

/** Splits the model's layers evenly over the members, in their order. */
export function stagesOver(members: readonly Member[], layers: number): Stage[] {
  return members.map((each, index) => ({
    member: each.id,
    first: Math.floor((index * layers) / members.length),
    end: Math.floor(((index + 1) * layers) / members.length),
  }));
}

type Loading = { readonly fraction: number; readonly failedAt?: number };

/** A placement over the members, and the members with their shards. */
export function placed(
  members: readonly Member[],
  what: ModelSummary,
  loading: Loading | null,
): { placement: Placement; members: Member[] } {
  const stages = stagesOver(members, what.layers.length);
  const shards = stages.map((stage, index): ShardState => {
    const totalBytes = what.layers
      .slice(stage.first, stage.end)
      .reduce((sum, layer) => sum + layer.weightBytes, 0);
    const failed = loading?.failedAt === index;
    const fraction = loading === null ? 1 : Math.min(1, loading.fraction * (0.6 + index * 0.35));
    return {
      placement: 3,
      first: stage.first,
      end: stage.end,
      status: failed ? "failed" : fraction < 1 ? "loading" : "ready",
      phase: "downloading",
      loadedBytes: Math.round(totalBytes * fraction),
      totalBytes,
      error: failed
        ? { reason: "http_status", url: "https://models.example/llama.gguf", status: 403 }
        : null,
      kernels: fraction < 1 ? null : KERNELS,
    };
  });
  const lost = stages[loading?.failedAt ?? -1];
  return {
    members: members.map((each, index) => member(index, each.name, shards[index])),
    placement: {
      id: PlacementId.parse(3),
      model: what,
      stages,
      contextTokens: 2048,
      generationSlots: 4,
      activations: "int8",
      predictedMs: 21.4,
      ready: loading === null,
      error:
        lost === undefined
          ? null
          : {
              reason: "stage_load_failed",
              ...lost,
              model: what.name,
              cause: shards[loading?.failedAt ?? 0]?.error ?? null,
            },
    },
  };
}

function linksBetween(members: readonly Member[]): Link[] {
  return members.flatMap((from, index) => {
    const to = members[(index + 1) % members.length]!;
    if (to === from) return [];
    return [
      {
        from: from.id,
        to: to.id,
        roundTripMs: 1.2 + index * 0.7,
        bytesPerMs: 84_000 / (index + 1),
        payloadBytes: 1152,
        measuredAtMs: 0,
      },
    ];
  });
}

export function room(members: readonly Member[], placement: Placement | null): RoomState {
  return {
    room: ROOM,
    epoch: 1,
    nextIndex: 12,
    coordinator: members[0]!.id,
    members: [...members],
    openedBy: MemberId.parse("member-0"),
    formerMembers: [],
    removedMembers: [],
    links: linksBetween(members.filter(({ adapter }) => adapter !== null)),
    lostLinks: [],
    models: placement === null ? [] : [placement.model],
    placement,
    handover: null,
    generations: [],
    settings: DEFAULT_SETTINGS,
    admits: "code",
    lastDecision: null,
  };
}
