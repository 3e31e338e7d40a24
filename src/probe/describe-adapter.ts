/** Asks the browser for an adapter and says what it is, or why there is none. */
import type { Adapter, NoAdapter } from "../shared/member.ts";
import { browserName } from "./browser-name.ts";
import { explainNoAdapter } from "./no-adapter.ts";
import type { Identity } from "./types.ts";

export type FoundAdapter = { readonly gpuAdapter: GPUAdapter; readonly adapter: Adapter };
export type MissingAdapter = { readonly gpuAdapter: null; readonly noAdapter: NoAdapter };

/** Names of software adapters, of which not every browser says that they are a fallback. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render|warp/i;

/** Works in a window and in a worker. */
export async function findAdapter(): Promise<FoundAdapter | MissingAdapter> {
  if (!globalThis.isSecureContext) return missing("insecure_context", null);
  const gpu = (navigator as Partial<Navigator>).gpu;
  if (gpu === undefined) return missing("no_webgpu", null);
  let detail: string | null = null;
  const gpuAdapter = await gpu
    .requestAdapter({ powerPreference: "high-performance" })
    .catch((error: unknown) => {
      detail = String(error);
      return null;
    });
  if (gpuAdapter === null) return missing("no_adapter", detail);
  return { gpuAdapter, adapter: describe(gpuAdapter) };
}

export async function identify(): Promise<Identity> {
  const found = await findAdapter();
  if (found.gpuAdapter === null) return { adapter: null, noAdapter: found.noAdapter };
  return { adapter: found.adapter, noAdapter: null };
}

/** `detail` is what the browser or the device said. */
export function missing(reason: NoAdapter["reason"], detail: string | null): MissingAdapter {
  const browser = browserName(navigator.userAgent);
  // A worker that was made from a blob has no useful address of its own; its origin has.
  const { origin, href } = globalThis.location;
  const url = href.startsWith("http") && !("WorkerGlobalScope" in globalThis) ? href : origin;
  return { gpuAdapter: null, noAdapter: explainNoAdapter({ reason, browser, url, detail }) };
}

function describe({ info, features, limits }: GPUAdapter): Adapter {
  const fallback = (info as { isFallbackAdapter?: boolean }).isFallbackAdapter === true;
  const names = [info.vendor, info.architecture, info.device, info.description];
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    device: info.device,
    description: info.description,
    browser: browserName(navigator.userAgent),
    software: fallback || names.some((name) => SOFTWARE.test(name)),
    features: [...features].sort(),
    maxBufferBytes: limits.maxBufferSize,
    maxStorageBindingBytes: limits.maxStorageBufferBindingSize,
    maxWorkgroupStorageBytes: limits.maxComputeWorkgroupStorageSize,
    maxWorkgroupInvocations: limits.maxComputeInvocationsPerWorkgroup,
    maxStorageBuffersPerStage: limits.maxStorageBuffersPerShaderStage,
  };
}
