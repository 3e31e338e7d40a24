/**
 * What WebGPU adapters of real devices report. Browsers round limits down to tiers:
 *
 *   spec      https://www.w3.org/TR/webgpu/#limits, the defaults
 *   dawn      Chromium: tiers of src/dawn/native/Limits.cpp (dawn.googlesource.com)
 *   wgpu      Firefox: buckets of wgpu-core/src/limits.rs (github.com/gfx-rs/wgpu, pull request 9119)
 *   gpuinfo   Vulkan reports of vulkan.gpuinfo.org, rounded to Dawn's tiers
 *   measured  in this project (docs/performance.md)
 */
import type { AdapterFacts, AdapterLimits } from "./planned-device.ts";

export type KnownAdapter = AdapterFacts & {
  readonly name: string;
  readonly source: "spec" | "dawn" | "wgpu" | "gpuinfo" | "measured";
  readonly software: boolean;
};

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

const DEFAULTS: AdapterLimits = {
  maxBufferSize: 256 * MIB,
  maxStorageBufferBindingSize: 128 * MIB,
  maxUniformBufferBindingSize: 64 * KIB,
  maxStorageBuffersPerShaderStage: 8,
  maxUniformBuffersPerShaderStage: 12,
  maxComputeWorkgroupStorageSize: 16 * KIB,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupsPerDimension: 65_535,
};

/** Sizes in bytes; `threads` of a workgroup. */
type Raised = {
  readonly buffer: number;
  readonly binding: number;
  readonly buffers: number;
  readonly workgroup: number;
  readonly threads: number;
};

const adapter = (
  name: string,
  source: KnownAdapter["source"],
  { buffer, binding, buffers, workgroup, threads }: Raised,
  features: Pick<KnownAdapter, "f16" | "subgroups">,
  software = false,
): KnownAdapter => ({
  ...{ name, source, software, ...features },
  limits: {
    ...DEFAULTS,
    maxBufferSize: buffer,
    maxStorageBufferBindingSize: binding,
    maxStorageBuffersPerShaderStage: buffers,
    maxComputeWorkgroupStorageSize: workgroup,
    maxComputeInvocationsPerWorkgroup: threads,
    maxComputeWorkgroupSizeX: threads,
    maxComputeWorkgroupSizeY: threads,
  },
});

const MINIMUM = {
  buffer: 256 * MIB,
  binding: 128 * MIB,
  buffers: 8,
  workgroup: 16 * KIB,
  threads: 256,
};
/** What all of wgpu's buckets above the default have at least. */
const WGPU = { ...MINIMUM, buffer: GIB, workgroup: 32 * KIB, threads: 1024 };
const DAWN = {
  buffer: 4 * GIB - 4,
  binding: 2 * GIB - 4,
  buffers: 10,
  workgroup: 32 * KIB,
  threads: 1024,
};

const NVIDIA = { ...DAWN, buffers: 16, workgroup: 48 * KIB };

export const ADAPTERS: readonly KnownAdapter[] = [
  adapter("WebGPU's defaults", "spec", MINIMUM, { f16: false, subgroups: null }),
  adapter("defaults with f16 and subgroups", "spec", MINIMUM, { f16: true, subgroups: [4, 128] }),
  adapter("Apple M, Chromium", "dawn", { ...DAWN, binding: 4 * GIB - 4 }, { f16: true, subgroups: [4, 64] }), // prettier-ignore
  adapter("Apple M, Firefox", "wgpu", { ...WGPU, binding: GIB, buffers: 9 }, { f16: true, subgroups: [4, 64] }), // prettier-ignore
  adapter("Intel Xe, Chromium", "dawn", DAWN, { f16: true, subgroups: [8, 32] }),
  adapter("Intel Xe, Firefox", "wgpu", { ...WGPU, binding: 512 * MIB, buffers: 16 }, { f16: true, subgroups: [8, 32] }), // prettier-ignore
  adapter("AMD RDNA, Chromium", "dawn", DAWN, { f16: true, subgroups: [32, 64] }),
  adapter("AMD RDNA, Firefox", "wgpu", { ...WGPU, binding: GIB, buffers: 16 }, { f16: true, subgroups: [32, 64] }), // prettier-ignore
  adapter("AMD Vega, Firefox", "wgpu", { ...WGPU, binding: GIB, buffers: 16, workgroup: 64 * KIB }, { f16: true, subgroups: [64, 64] }), // prettier-ignore
  adapter("NVIDIA on Windows, Chromium", "dawn", { ...NVIDIA, buffers: 10 }, { f16: true, subgroups: [32, 32] }), // prettier-ignore
  adapter("NVIDIA on Windows, Firefox", "wgpu", { ...WGPU, binding: GIB, buffers: 16, workgroup: 48 * KIB }, { f16: true, subgroups: [32, 32] }), // prettier-ignore
  adapter("NVIDIA on Linux, Chromium", "measured", NVIDIA, { f16: false, subgroups: [32, 32] }),
  adapter("NVIDIA GTX 1050, Firefox", "wgpu", { ...WGPU, binding: GIB, buffers: 16, workgroup: 48 * KIB }, { f16: false, subgroups: [32, 64] }), // prettier-ignore
  adapter("Adreno, Chromium", "gpuinfo", { ...MINIMUM, buffer: GIB, workgroup: 32 * KIB, threads: 1024 }, { f16: true, subgroups: [64, 128] }), // prettier-ignore
  adapter("Mali, Chromium", "gpuinfo", { ...MINIMUM, buffer: GIB, workgroup: 32 * KIB }, { f16: true, subgroups: [16, 16] }), // prettier-ignore
  adapter("Mali without subgroups", "gpuinfo", MINIMUM, { f16: true, subgroups: null }),
  adapter("SwiftShader, Chromium", "measured", { ...DAWN, buffer: GIB, binding: GIB, threads: 256 }, { f16: false, subgroups: [4, 4] }, true), // prettier-ignore
  adapter("lavapipe, Firefox", "wgpu", { ...WGPU, buffers: 16 }, { f16: true, subgroups: [8, 8] }, true), // prettier-ignore
  adapter("WARP, Firefox", "wgpu", { ...WGPU, buffers: 16 }, { f16: true, subgroups: [4, 128] }, true), // prettier-ignore
];
