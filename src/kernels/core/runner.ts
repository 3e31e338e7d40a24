/**
 * Compiles and dispatches kernels.
 *
 * A kernel's WGSL is the only place that names its bindings: the explicit bind group layout is read
 * from the `@group(0) @binding(n) var<...>` lines, so that the two cannot disagree. (`layout: "auto"`
 * would drop bindings that a variant does not use.) Errors are thrown, and quote the shader's line.
 */

export type Shader = {
  readonly name: string;
  /** Entry point `main`; all bindings in group 0. */
  readonly wgsl: string;
  /** Values of its `override` constants. */
  readonly constants?: Readonly<Record<string, number>>;
};

/** A GPU operation: its shader and its host code. */
export type Kernel<Params> = Shader & {
  /** The bytes of the uniform at binding 0, field for field; a multiple of 16. */
  packParams(params: Params): ArrayBuffer;
  workgroups(params: Params): Workgroups;
};

export type Workgroups = readonly [x: number, y: number, z: number];

/** A compiled kernel. Pipelines of kernels with the same bindings can share a bind group. */
export type CompiledKernel = {
  readonly name: string;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly bindings: ReadonlyMap<number, GPUBufferBindingType>;
};

/** A shader that does not compile, or a dispatch that the device rejects. */
export class KernelError extends Error {
  override readonly name = "KernelError";
}

const BINDING =
  /@group\(0\)\s*@binding\((\d+)\)\s*var<\s*(uniform|storage)\s*(?:,\s*(read_write|read)\s*)?>/g;

/** The bindings that a shader declares, by number. */
export function bindingsOf(wgsl: string): ReadonlyMap<number, GPUBufferBindingType> {
  const bindings = new Map<number, GPUBufferBindingType>();
  for (const [, index, space, access] of wgsl.replace(/\/\/.*$/gm, "").matchAll(BINDING)) {
    const storage = access === "read_write" ? "storage" : "read-only-storage";
    bindings.set(Number(index), space === "uniform" ? "uniform" : storage);
  }
  return bindings;
}

/** What `make` gives for a device and a key, made once. */
function once<T>(
  cache: WeakMap<GPUDevice, Map<string, T>>,
  device: GPUDevice,
  key: string,
  make: () => T,
): T {
  const known = cache.get(device) ?? new Map<string, T>();
  cache.set(device, known);
  const made = known.get(key) ?? make();
  known.set(key, made);
  return made;
}

/** So that kernels with equal bindings have the same layout object and can share bind groups. */
const layouts = new WeakMap<GPUDevice, Map<string, GPUBindGroupLayout>>();

function layoutOf(device: GPUDevice, bindings: ReadonlyMap<number, GPUBufferBindingType>) {
  const sorted = [...bindings].sort(([a], [b]) => a - b);
  const entries = sorted.map(([binding, type]) => {
    return { binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } };
  });
  return once(layouts, device, JSON.stringify(sorted), () =>
    device.createBindGroupLayout({ entries }),
  );
}

/** By device, text and constants, so that layers and the tuner share pipelines. */
const compiled = new WeakMap<GPUDevice, Map<string, Promise<CompiledKernel>>>();

/**
 * Compiles a kernel asynchronously, or returns the one compiled from the same text. Rejects with a
 * `KernelError` that quotes the shader's line.
 */
export function compile(device: GPUDevice, kernel: Shader): Promise<CompiledKernel> {
  const key = `${JSON.stringify(kernel.constants ?? {})}\n${kernel.wgsl}`;
  return once(compiled, device, key, () => {
    const pending = compileNew(device, kernel);
    pending.catch(() => compiled.get(device)?.delete(key)); // callers that await it see the failure
    return pending;
  });
}

async function compileNew(
  device: GPUDevice,
  { name, wgsl, constants = {} }: Shader,
): Promise<CompiledKernel> {
  const bindings = bindingsOf(wgsl);
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ label: name, code: wgsl });
  const layout = layoutOf(device, bindings);
  const pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [layout] });
  const created = device.createComputePipelineAsync({
    label: name,
    layout: pipelineLayout,
    compute: { module, entryPoint: "main", constants },
  });
  const scope = device.popErrorScope();
  const [pipeline, scoped] = await Promise.allSettled([created, scope]);
  if (pipeline.status === "fulfilled") return { name, pipeline: pipeline.value, layout, bindings };
  const reasons = [String(pipeline.reason)];
  if (scoped.status === "fulfilled" && scoped.value !== null) reasons.push(scoped.value.message);
  throw new KernelError(await explain(name, wgsl, module, reasons.join("\n")));
}

async function explain(name: string, wgsl: string, module: GPUShaderModule, reason: string) {
  const lines = wgsl.split("\n");
  const info = await module.getCompilationInfo();
  const quoted = info.messages
    .filter(({ type }) => type === "error")
    .map(({ lineNum, message }) => `line ${lineNum}: ${message}\n  ${lines[lineNum - 1] ?? ""}`);
  return [`the kernel "${name}" does not compile`, ...quoted, reason].join("\n");
}

/** A bind group over whole buffers, one for each binding in rising order of number. */
export function bind(
  device: GPUDevice,
  kernel: CompiledKernel,
  buffers: readonly GPUBuffer[],
): GPUBindGroup {
  const numbers = [...kernel.bindings.keys()].sort((a, b) => a - b);
  if (numbers.length !== buffers.length) {
    throw new KernelError(
      `"${kernel.name}" has ${numbers.length} bindings (${numbers.join(", ")}), given ${buffers.length}`,
    );
  }
  return device.createBindGroup({
    label: kernel.name,
    layout: kernel.layout,
    entries: numbers.map((binding, i) => ({ binding, resource: { buffer: buffers[i]! } })),
  });
}

/** WebGPU's limit. A larger grid fails only asynchronously and leaves zeros. */
export const MAX_WORKGROUPS_PER_DIMENSION = 65_535;

/** Records one dispatch. Throws for a grid that the device would silently drop. */
export function dispatch(
  pass: GPUComputePassEncoder,
  kernel: CompiledKernel,
  group: GPUBindGroup,
  [x, y, z]: Workgroups,
): void {
  if (Math.max(x, y, z) > MAX_WORKGROUPS_PER_DIMENSION) {
    throw new KernelError(
      `"${kernel.name}" needs ${x} x ${y} x ${z} workgroups; a dimension holds ${MAX_WORKGROUPS_PER_DIMENSION}`,
    );
  }
  pass.setPipeline(kernel.pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(x, y, z);
}
