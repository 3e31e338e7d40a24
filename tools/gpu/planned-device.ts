/**
 * A device that computes nothing and checks everything against an adapter's limits and features: buffers,
 * bindings, pipelines, workgroups, dispatches, and writes. The engine plans, loads, and steps on it as on
 * any other, so that plans for adapters and models that no machine here has are checked in Node. Each
 * violation is listed once; browsers would report it only after the fact, or lose the device.
 */

export type AdapterLimits = Readonly<
  Record<
    | "maxBufferSize"
    | "maxStorageBufferBindingSize"
    | "maxUniformBufferBindingSize"
    | "maxStorageBuffersPerShaderStage"
    | "maxUniformBuffersPerShaderStage"
    | "maxComputeWorkgroupStorageSize"
    | "maxComputeInvocationsPerWorkgroup"
    | "maxComputeWorkgroupSizeX"
    | "maxComputeWorkgroupSizeY"
    | "maxComputeWorkgroupSizeZ"
    | "maxComputeWorkgroupsPerDimension",
    number
  >
>;

export type AdapterFacts = {
  readonly limits: AdapterLimits;
  readonly f16: boolean;
  /** Smallest and largest; null without the feature. */
  readonly subgroups: readonly [min: number, max: number] | null;
};

export type PlannedDevice = {
  readonly device: GPUDevice;
  readonly violations: ReadonlySet<string>;
  /** Of all buffers that were not destroyed. */
  readonly allocatedBytes: () => number;
  /** All so far, in order: a pipeline's label and the number of workgroups. */
  readonly dispatches: readonly { readonly kernel: string; readonly groups: number }[];
};

type FakeBuffer = { readonly size: number; readonly label: string; destroy(): void };
type Entry = { readonly binding: number; readonly buffer: { readonly type: string } };

export function plannedDevice({ limits, f16, subgroups }: AdapterFacts): PlannedDevice {
  defineConstants();
  const violations = new Set<string>();
  const live = new Set<FakeBuffer>();
  const limit = (what: string, value: number, name: keyof AdapterLimits) => {
    if (!(value <= limits[name]))
      violations.add(`${what}: ${value} exceeds ${name} ${limits[name]}`);
  };
  const createBuffer = ({ label = "", size }: GPUBufferDescriptor) => {
    if (!Number.isInteger(size)) throw new TypeError(`buffer "${label}" of ${size} bytes`);
    limit(`buffer "${label}"`, size, "maxBufferSize");
    const buffer = {
      label,
      size,
      // Zeros, however long: only what a step reads back is ever mapped.
      getMappedRange: (_offset = 0, length = size) => new ArrayBuffer(length),
      mapAsync: () => Promise.resolve(),
      unmap: () => undefined,
      destroy: () => void live.delete(buffer),
    };
    live.add(buffer);
    return buffer;
  };
  const createBindGroupLayout = ({ entries }: { readonly entries: readonly Entry[] }) => {
    const storage = entries.filter(({ buffer }) => buffer.type !== "uniform").length;
    limit("bindings", storage, "maxStorageBuffersPerShaderStage");
    limit("bindings", entries.length - storage, "maxUniformBuffersPerShaderStage");
    return { entries };
  };
  type Group = {
    readonly label: string;
    readonly layout: { readonly entries: readonly Entry[] };
    readonly entries: readonly { readonly resource: { readonly buffer: FakeBuffer } }[];
  };
  const createBindGroup = ({ label, layout, entries }: Group) => {
    layout.entries.forEach(({ buffer: { type } }, i) => {
      const { buffer } = entries[i]!.resource;
      const what = `"${label}" binds "${buffer.label}"`;
      if (!live.has(buffer)) violations.add(`${what}, which is destroyed`);
      const name =
        type === "uniform" ? "maxUniformBufferBindingSize" : "maxStorageBufferBindingSize";
      limit(what, buffer.size, name);
    });
    return {};
  };
  const createShaderModule = ({ label = "", code }: GPUShaderModuleDescriptor) => {
    const { size, storageBytes } = known(code);
    const [x, y, z] = size;
    limit(label, x, "maxComputeWorkgroupSizeX");
    limit(label, y, "maxComputeWorkgroupSizeY");
    limit(label, z, "maxComputeWorkgroupSizeZ");
    limit(label, x * y * z, "maxComputeInvocationsPerWorkgroup");
    limit(label, storageBytes, "maxComputeWorkgroupStorageSize");
    if (/^enable subgroups;/m.test(code) && subgroups === null)
      violations.add(`${label} uses subgroups`);
    if (/^enable f16;/m.test(code) && !f16) violations.add(`${label} uses f16`);
    return { label };
  };
  const dispatches: { kernel: string; groups: number }[] = [];
  let kernel = "";
  const pass = {
    setPipeline: ({ label }: { readonly label: string }) => void (kernel = label),
    setBindGroup: () => undefined,
    dispatchWorkgroups(...counts: number[]) {
      dispatches.push({ kernel, groups: counts.reduce((product, count) => product * count, 1) });
      for (const count of counts) limit("dispatch", count, "maxComputeWorkgroupsPerDimension");
    },
    end: () => undefined,
  };
  const encoder = {
    beginComputePass: () => pass,
    copyBufferToBuffer: (
      from: FakeBuffer,
      at: number,
      _to: FakeBuffer,
      _to2: number,
      n: number,
    ) => {
      if (at + n > from.size) violations.add(`a copy reads past the end of "${from.label}"`);
    },
    finish: () => ({}),
  };
  const queue = {
    submit: () => undefined,
    onSubmittedWorkDone: () => Promise.resolve(),
    writeBuffer(buffer: FakeBuffer, at: number, data: ArrayBuffer | ArrayBufferView) {
      if (at + data.byteLength > buffer.size)
        violations.add(`a write of ${data.byteLength} at ${at} does not fit in "${buffer.label}"`);
    },
  };
  const features = new Set([...(f16 ? ["shader-f16"] : []), ...(subgroups ? ["subgroups"] : [])]);
  const [subgroupMinSize, subgroupMaxSize] = subgroups ?? [4, 128];
  const device = {
    limits,
    features,
    adapterInfo: { subgroupMinSize, subgroupMaxSize },
    queue,
    lost: new Promise(() => undefined),
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    pushErrorScope: () => undefined,
    popErrorScope: () => Promise.resolve(null),
    createBuffer,
    createBindGroupLayout,
    createBindGroup,
    createShaderModule,
    createPipelineLayout: () => ({}),
    createComputePipelineAsync: ({ label }: { readonly label: string }) =>
      Promise.resolve({ label }),
    createCommandEncoder: () => encoder,
  };
  const allocatedBytes = () => [...live].reduce((sum, { size }) => sum + size, 0);
  return { device: device as unknown as GPUDevice, violations, allocatedBytes, dispatches };
}

type Declared = {
  readonly size: readonly [number, number, number];
  readonly storageBytes: number;
};

const declared = new Map<string, Declared>();

function known(code: string): Declared {
  const found = declared.get(code) ?? workgroupOf(code);
  declared.set(code, found);
  return found;
}

/** What a shader declares: its workgroup's size, and the bytes of its workgroup memory. */
export function workgroupOf(wgsl: string): Declared {
  const code = wgsl.replace(/\/\/.*$/gm, "");
  const constants = new Map<string, string>();
  for (const [, name, value] of code.matchAll(/^\s*const (\w+)(?:\s*:\s*\w+)? = ([^;]+);/gm)) {
    constants.set(name!, value!);
  }
  const evaluate = (expression: string): number => {
    const numbers = expression.replace(/\b[A-Za-z_]\w*\b/g, (name) => {
      const value = constants.get(name);
      if (value === undefined) throw new Error(`${name} is no constant of the shader`);
      return String(evaluate(value));
    });
    return arithmetic(numbers.replace(/(\d)u\b/g, "$1"));
  };
  const sizes = /@workgroup_size\(([^)]*)\)/.exec(code)![1]!;
  const [x = 1, y = 1, z = 1] = sizes.split(",").map(evaluate);
  const bytesOf = (type: string): number => {
    const [, element, count] = /^array<(.+), ([^,]+)>$/.exec(type) ?? [];
    return element === undefined ? ELEMENT_BYTES[type]! : bytesOf(element) * evaluate(count!);
  };
  let storageBytes = 0;
  for (const [, type] of code.matchAll(/var<workgroup> \w+: (array<.+>);/g)) {
    storageBytes += Math.ceil(bytesOf(type!) / 16) * 16;
  }
  return { size: [x, y, z], storageBytes };
}

const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  f32: 4,
  u32: 4,
  "vec2<f32>": 8,
  "vec4<f32>": 16,
  "vec4<u32>": 16,
  Sums: 12, // three f32, of attention-reduce.wgsl
};

/** Products, quotients, sums, and parentheses of whole numbers. */
function arithmetic(expression: string): number {
  const tokens = expression.match(/\d+|[-+*/()]/g) ?? [];
  let at = 0;
  const operand = (): number => {
    const token = tokens[at++]!;
    if (token !== "(") return Number(token);
    const value = sum();
    at++;
    return value;
  };
  const product = (): number => {
    let value = operand();
    while (tokens[at] === "*" || tokens[at] === "/") {
      const operator = tokens[at++];
      const next = operand();
      value = operator === "*" ? value * next : Math.floor(value / next);
    }
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (tokens[at] === "+" || tokens[at] === "-") {
      value += tokens[at++] === "+" ? product() : -product();
    }
    return value;
  };
  return sum();
}

/** WebGPU's constants, which Node does not have; their values do not matter here. */
function defineConstants(): void {
  Object.assign(globalThis, {
    GPUBufferUsage: { STORAGE: 1, UNIFORM: 2, COPY_SRC: 4, COPY_DST: 8, MAP_READ: 16 },
    GPUShaderStage: { COMPUTE: 1 },
    GPUMapMode: { READ: 1 },
  });
}
