/**
 * Which WebGPU adapter the browsers of tests, demo, and bench get: the machine's GPU, or a software adapter
 * (SwiftShader in Chromium, lavapipe in Firefox). `TABMESH_ADAPTER=software|hardware` decides; without it,
 * hardware where the machine has a GPU.
 */
import { existsSync, readdirSync } from "node:fs";

export type AdapterKind = "software" | "hardware";

export type AdapterChoice = {
  readonly kind: AdapterKind;
  readonly reason: "TABMESH_ADAPTER" | "a GPU was found" | "no GPU was found";
};

/** Throws for another value of the variable. */
export function chooseAdapter(variable: string | undefined, hasGpu: () => boolean): AdapterChoice {
  if (variable === "software" || variable === "hardware") {
    return { kind: variable, reason: "TABMESH_ADAPTER" };
  }
  if (variable !== undefined && variable !== "") {
    throw new Error(`TABMESH_ADAPTER is ${variable}; expected software or hardware`);
  }
  return hasGpu()
    ? { kind: "hardware", reason: "a GPU was found" }
    : { kind: "software", reason: "no GPU was found" };
}

/** Linux lists GPUs as devices. Other systems draw their desktop with one. */
function machineHasGpu(): boolean {
  if (process.platform !== "linux") return true;
  const nodes = existsSync("/dev/dri") ? readdirSync("/dev/dri") : [];
  return existsSync("/dev/nvidia0") || nodes.some((name) => name.startsWith("renderD"));
}

export const ADAPTER = chooseAdapter(process.env["TABMESH_ADAPTER"], machineHasGpu);

/** Chromium's flags for a kind of adapter. */
export function chromiumAdapterFlags(kind: AdapterKind, platform = process.platform): string[] {
  if (kind === "software") {
    // No watchdog, since a shader may run for seconds.
    return ["--use-webgpu-adapter=swiftshader", "--disable-gpu-watchdog"];
  }
  return platform === "linux"
    ? ["--use-angle=vulkan", "--enable-features=Vulkan", "--disable-vulkan-surface", "--ignore-gpu-blocklist"] // prettier-ignore
    : ["--ignore-gpu-blocklist"];
}

const VULKAN_DRIVERS = "/usr/share/vulkan/icd.d";

/** Firefox takes the first Vulkan driver; only lavapipe's is left to it for a software adapter. */
export function firefoxEnvironment(kind: AdapterKind): Record<string, string> {
  if (kind === "hardware" || !existsSync(VULKAN_DRIVERS)) return {};
  const drivers = readdirSync(VULKAN_DRIVERS).filter((name) => name.startsWith("lvp_icd"));
  const files = drivers.map((name) => `${VULKAN_DRIVERS}/${name}`).join(":");
  return files === "" ? {} : { VK_DRIVER_FILES: files, VK_ICD_FILENAMES: files };
}
