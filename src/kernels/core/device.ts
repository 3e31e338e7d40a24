/**
 * The device that kernels run on, with all limits of the adapter and the optional features that a
 * variant may use.
 */

/** Requested where the adapter has them; none is required. */
const OPTIONAL_FEATURES: readonly GPUFeatureName[] = ["shader-f16", "subgroups", "timestamp-query"];

/** Limits whose defaults are lower than models need. */
const RAISED_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
] as const;

/** A GPU process that has just started, above all a headless one, may have no adapter yet. */
const ADAPTER_TRIES = 6;
const ADAPTER_RETRY_MS = 200;

/** The adapter, or null if there is none for a second. */
export async function requestAdapter(gpu: Pick<GPU, "requestAdapter">): Promise<GPUAdapter | null> {
  for (let tries = 1; ; tries++) {
    const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
    if (adapter !== null || tries === ADAPTER_TRIES) return adapter;
    await new Promise((resolve) => setTimeout(resolve, ADAPTER_RETRY_MS));
  }
}

/** A device with the adapter's own limits. Rejects without WebGPU or an adapter; the probe finds the reason. */
export async function requestKernelDevice(): Promise<GPUDevice> {
  const gpu = (navigator as Partial<Navigator>).gpu;
  if (gpu === undefined) throw new Error("no WebGPU here");
  const adapter = await requestAdapter(gpu);
  if (adapter === null) throw new Error("no WebGPU adapter");
  return adapter.requestDevice({
    requiredFeatures: OPTIONAL_FEATURES.filter((feature) => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(
      RAISED_LIMITS.map((limit) => [limit, adapter.limits[limit]]),
    ),
  });
}

/** Measured once for a device, by a tuner. */
export type DeviceTraits = {
  /** Few threads at a time and costly barriers, as on software adapters. */
  readonly lowParallelism: boolean;
};

/** What a shader may use on a device. */
export type ShaderFeatures = {
  readonly subgroups: boolean;
  readonly subgroupMinSize: number;
  readonly subgroupMaxSize: number;
  /** Threads of a workgroup. */
  readonly maxInvocations: number;
  /** Bytes of a workgroup's memory. */
  readonly workgroupBytes: number;
};

export function shaderFeatures(device: GPUDevice): ShaderFeatures {
  const { subgroupMinSize = 0, subgroupMaxSize = 0 } =
    device.adapterInfo as Partial<GPUAdapterInfo>;
  return {
    subgroups: device.features.has("subgroups"),
    subgroupMinSize,
    subgroupMaxSize,
    maxInvocations: device.limits.maxComputeInvocationsPerWorkgroup,
    workgroupBytes: device.limits.maxComputeWorkgroupStorageSize,
  };
}
