/**
 * The device that kernels run on: all limits of the adapter, and the optional
 * features that a variant may use. Knows nothing of what it is for.
 */

/** Features that are taken where the adapter has them; none is required. */
const WANTED: readonly GPUFeatureName[] = ["shader-f16", "subgroups", "timestamp-query"];

/** Limits that the defaults set lower than models need. */
const RAISED = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
] as const;

/** No WebGPU or no adapter: a tab that cannot compute. The probe tells people why. */
export class NoAdapterError extends Error {
  override readonly name = "NoAdapterError";
}

/** A device with the adapter's own limits. Rejects with `NoAdapterError`. */
export async function requestKernelDevice(): Promise<GPUDevice> {
  const gpu = (navigator as Partial<Navigator>).gpu;
  if (gpu === undefined) {
    throw new NoAdapterError("this browser has no WebGPU here; use a secure context (https)");
  }
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) {
    throw new NoAdapterError("the browser offers no WebGPU adapter; see its GPU settings");
  }
  return adapter.requestDevice({
    requiredFeatures: WANTED.filter((feature) => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(RAISED.map((limit) => [limit, adapter.limits[limit]])),
  });
}

/** What a shader may use on a device. */
export type ShaderFeatures = {
  readonly subgroups: boolean;
  /** `dot4I8Packed` and its kin; without it they are emulated. */
  readonly integerDot: boolean;
  readonly subgroupMinSize: number;
  readonly subgroupMaxSize: number;
};

export function shaderFeatures(device: GPUDevice): ShaderFeatures {
  const { subgroupMinSize = 0, subgroupMaxSize = 0 } =
    device.adapterInfo as Partial<GPUAdapterInfo>;
  return {
    subgroups: device.features.has("subgroups"),
    integerDot: navigator.gpu.wgslLanguageFeatures.has("packed_4x8_integer_dot_product"),
    subgroupMinSize,
    subgroupMaxSize,
  };
}
