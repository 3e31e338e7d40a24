/** What rooms in tests consist of, as data: members, device states, and the model. */
import {
  type DeviceState,
  type Member,
  MemberId,
  type ModelSource,
  type ModelSummary,
  RoomCode,
} from "../../src/shared/index.ts";
import { LAYERS } from "../cpu/cpu-room.ts";
import { HIDDEN, VOCABULARY } from "../cpu/cpu-shard.ts";

export const CODE = RoomCode.parse("ABCDEF");
export const MODEL_URL: ModelSource = { kind: "url", url: "https://models.example/tiny.gguf" };
/** Memory that holds the whole test model, or half of its layers. */
export const WHOLE = 10_000;
export const HALF = 3_700;

export function modelSummary(change: Partial<ModelSummary> = {}): ModelSummary {
  return {
    name: "tiny",
    source: MODEL_URL,
    contentId: "tiny-1",
    fileBytes: 7000,
    architecture: "cpu-test",
    quantization: "F32",
    contextTokens: 256,
    vocabulary: VOCABULARY,
    hidden: HIDDEN,
    layers: Array.from({ length: LAYERS }, () => ({
      weightBytes: 1000,
      kvBytesPerToken: 0,
      macs: 1000,
    })),
    embedBytes: 500,
    headBytes: 500,
    headMacs: 500,
    tied: true,
    largestTensorBytes: 500,
    scratch: { fixedBytes: 0, rowBytes: 0, positionBytes: 0, splitBytes: 0, answerBytes: 0 },
    ...change,
  };
}

export function profile(name: string, memoryBytes = WHOLE, change: Partial<Member> = {}): Member {
  return {
    id: MemberId.parse(name),
    name: `Tab ${name}`,
    color: 0,
    adapter: {
      vendor: "test",
      architecture: "cpu",
      device: "",
      description: "plain loops",
      browser: "Node 20",
      software: true,
      features: [],
      maxBufferBytes: 1e9,
      maxStorageBindingBytes: 1e9,
      maxWorkgroupStorageBytes: 16384,
      maxWorkgroupInvocations: 256,
      maxStorageBuffersPerStage: 8,
    },
    noAdapter: null,
    measurements: {
      copyBytesPerMs: 1e6,
      f32FlopsPerMs: 1e6,
      f16FlopsPerMs: null,
      matVecMacsPerMs: 1e6,
      matMulMacsPerMs: 1e6,
      dispatchMs: 0.1,
      readbackMs: 0.1,
      submitWhileWaitingHelps: false,
      memoryBudgetBytes: memoryBytes,
      measuredAtMs: 0,
    },
    device: null,
    shard: null,
    ...change,
  };
}

export const observer: Partial<Member> = {
  adapter: null,
  measurements: null,
  noAdapter: { reason: "observer" },
};

export function deviceState(change: Partial<DeviceState> = {}): DeviceState {
  return {
    memoryBudgetBytes: WHOLE,
    memoryUsedBytes: 0,
    tokensPerSecond: 0,
    stepMs: 1,
    busyFraction: 0,
    throttleRatio: 1,
    pressure: null,
    batteryLevel: null,
    batteryCharging: null,
    visible: true,
    updatedAtMs: 0,
    ...change,
  };
}
