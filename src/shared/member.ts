/**
 * A member as the room knows it: its adapter, its measurements, and its device state.
 * Units are in the names; rates are per millisecond.
 */
import { z } from "zod";
import { Failure } from "./failure.ts";
import { Detail, failure } from "./failure-schema.ts";
import { MemberId } from "./ids.ts";
import { KernelReport } from "./kernel-report.ts";
import { ThrottleForecast } from "./throttle-forecast.ts";
import { WorkerFailure } from "./cause.ts";

export const MAX_NAME_CHARACTERS = 80;
export const MemberName = z.string().max(MAX_NAME_CHARACTERS);

/** WebGPU's information about the adapter, and the browser. */
export const Adapter = z.strictObject({
  vendor: z.string(),
  architecture: z.string(),
  device: z.string(),
  description: z.string(),
  /** Name and major version, such as "Chromium 156". */
  browser: z.string(),
  /** A software adapter, or one that the browser calls a fallback. */
  software: z.boolean(),
  features: z.array(z.string()),
  maxBufferBytes: z.number().min(0),
  maxStorageBindingBytes: z.number().min(0),
  maxWorkgroupStorageBytes: z.number().min(0),
  maxWorkgroupInvocations: z.number().min(0),
  maxStorageBuffersPerStage: z.number().min(0),
});
export type Adapter = z.infer<typeof Adapter>;

/** Why a tab computes nothing. `browser` is a name and version; `detail` is what the browser said. */
export const NoAdapter = z.discriminatedUnion("reason", [
  failure("observer", {}),
  failure("insecure_context", { url: z.string() }),
  failure("no_webgpu", { browser: z.string() }),
  failure("no_adapter", { browser: z.string(), detail: Detail.nullable() }),
  failure("device_lost", { detail: Detail.nullable() }),
  /** The worker that uses the GPU failed as soon as it began, time after time. */
  failure("worker_gone", { cause: WorkerFailure }),
]);
export type NoAdapter = z.infer<typeof NoAdapter>;

/** The probe's microbenchmarks. A missing rate could not be measured on this adapter. */
export const Measurements = z.strictObject({
  copyBytesPerMs: z.number().positive(),
  f32FlopsPerMs: z.number().positive(),
  f16FlopsPerMs: z.number().positive().nullable(),
  /** Multiply-accumulates per ms of a 4-bit matrix-vector product, as in decode. */
  matVecMacsPerMs: z.number().positive(),
  /** The same for a matrix times a chunk of a prompt, as in prefill. */
  matMulMacsPerMs: z.number().positive(),
  dispatchMs: z.number().min(0),
  readbackMs: z.number().min(0),
  /** Empty submits while a readback is pending let the browser notice its end sooner. */
  submitWhileWaitingHelps: z.boolean(),
  /** Bytes that this tab may use for weights, cache, and scratch. */
  memoryBudgetBytes: z.number().min(0),
  measuredAtMs: z.number(),
});
export type Measurements = z.infer<typeof Measurements>;

/** The state of a member's device, collected every few seconds. Null if the browser does not report it. */
export const DeviceState = z.strictObject({
  memoryBudgetBytes: z.number().min(0),
  memoryUsedBytes: z.number().min(0),
  tokensPerSecond: z.number().min(0),
  stepMs: z.number().min(0),
  busyFraction: z.number().min(0).max(1),
  /** What it comes from: GPU timestamps, or the time that steps took, waits included. Absent is the latter. */
  busySource: z.enum(["timestamps", "steps"]).optional(),
  /** Current step time divided by the step time that the probe predicts. */
  throttleRatio: z.number().min(0),
  /** How the ratio goes on, if it rises; absent and null are no forecast. */
  forecast: ThrottleForecast.nullable().optional(),
  pressure: z.enum(["nominal", "fair", "serious", "critical"]).nullable(),
  batteryLevel: z.number().min(0).max(1).nullable(),
  batteryCharging: z.boolean().nullable(),
  visible: z.boolean(),
  updatedAtMs: z.number(),
});
export type DeviceState = z.infer<typeof DeviceState>;

/** What a member does with its layers. */
export const LoadPhase = z.enum([
  "starting",
  "downloading",
  "uploading",
  "compiling",
  "connecting",
  "ready",
  "failed",
]);
export type LoadPhase = z.infer<typeof LoadPhase>;

/** The layers `[first, end)` that a member loads or holds. */
export const ShardState = z.strictObject({
  placement: z.int().min(1),
  first: z.int().min(0),
  end: z.int().min(1),
  status: z.enum(["loading", "ready", "failed"]),
  phase: LoadPhase,
  loadedBytes: z.number().min(0),
  totalBytes: z.number().min(0),
  error: Failure.nullable(),
  /** Null until it has loaded. */
  kernels: KernelReport.nullable(),
});
export type ShardState = z.infer<typeof ShardState>;

/** A member whose layers failed this often, with no complete answer in between, gets no more layers. */
export const MAX_FAULTS = 2;

/** How often a member's layers failed since the last complete answer; the last time, and in which placement. */
export const MemberFault = z.strictObject({
  count: z.int().min(1),
  cause: Failure,
  placement: z.int().nullable(),
});
export type MemberFault = z.infer<typeof MemberFault>;

/** A person's choice for a member: the solver decides, always use it, never use it. */
export const MemberUse = z.enum(["auto", "pin", "exclude"]);
export type MemberUse = z.infer<typeof MemberUse>;

export const Member = z.strictObject({
  id: MemberId,
  /** Its name for people, such as "Chromium 156 on Linux". */
  name: MemberName,
  /** An index into the page's colors: the coordinator gives each member another one. */
  color: z.int().min(0),
  /** Absent is "auto". */
  use: MemberUse.optional(),
  /** Null if the member does not compute; `noAdapter` is then the reason. */
  adapter: Adapter.nullable(),
  noAdapter: NoAdapter.nullable(),
  measurements: Measurements.nullable(),
  device: DeviceState.nullable(),
  shard: ShardState.nullable(),
  /**
   * Measured over predicted computing of a token, from the laps that ran; what the
   * cost model says of this member is multiplied by it. Absent until it has served laps.
   */
  costRatio: z.number().positive().optional(),
  /** Absent unless its layers failed. */
  fault: MemberFault.optional(),
});
export type Member = z.infer<typeof Member>;

/** One direction between two members, measured with the payload of a lap. */
export const Link = z.strictObject({
  from: MemberId,
  to: MemberId,
  roundTripMs: z.number().min(0),
  bytesPerMs: z.number().positive(),
  payloadBytes: z.int().min(0),
  measuredAtMs: z.number(),
  /** Laps took another time than it predicts: its members measure it again. */
  drifted: z.boolean().optional(),
});
export type Link = z.infer<typeof Link>;

/** One direction between two members that can both be reached, but not by each other. */
export const LostLink = z.strictObject({ from: MemberId, to: MemberId });
export type LostLink = z.infer<typeof LostLink>;
