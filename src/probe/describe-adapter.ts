/** Asks the browser for an adapter and describes it, or the reason why there is none. */
import { requestAdapter } from "../kernels/index.ts";
import { type Adapter, type NoAdapter, detailOf } from "../shared/index.ts";
import { browserName } from "./browser-name.ts";
import type { Identity } from "./types.ts";

/** Names of software adapters, of which not every browser says that they are a fallback. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render|warp/i;

/** Works in a window and in a worker. */
export async function identify(): Promise<Identity> {
  if (!globalThis.isSecureContext) return missing({ reason: "insecure_context", url: pageUrl() });
  const browser = browserName(navigator.userAgent);
  const gpu = (navigator as Partial<Navigator>).gpu;
  if (gpu === undefined) return missing({ reason: "no_webgpu", browser });
  let detail: string | null = null;
  const adapter = await requestAdapter(gpu).catch((error: unknown) => {
    detail = detailOf(error);
    return null;
  });
  if (adapter === null) return missing({ reason: "no_adapter", browser, detail });
  return { adapter: describe(adapter), noAdapter: null };
}

const missing = (noAdapter: NoAdapter): Identity => ({ adapter: null, noAdapter });

/** In a worker its origin: a worker that was made from a blob has no useful address of its own. */
function pageUrl(): string {
  const { origin, href } = globalThis.location;
  return href.startsWith("http") && !("WorkerGlobalScope" in globalThis) ? href : origin;
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
