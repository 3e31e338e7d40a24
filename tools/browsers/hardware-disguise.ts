/**
 * A page whose adapter reports itself as hardware, on a machine of 16 cores. The real adapter (a
 * software adapter in tests) computes; only its identity, and where asked its limits, differ,
 * so that every branch that such a machine takes runs in a real tab.
 */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Limits = "own" | "default";

/** WebGPU's default limits (https://www.w3.org/TR/webgpu/#limits), for the limits that we request. */
const DEFAULT_LIMITS = {
  maxBufferSize: 268_435_456,
  maxStorageBufferBindingSize: 134_217_728,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
};

/**
 * Runs before all other code of a window or worker: overrides what adapter and device report, and lists the
 * threads that workers start.
 */
function disguise(limits: Record<string, number> | null, packingFails: boolean): void {
  const identity = {
    vendor: "nvidia",
    architecture: "hopper",
    device: "",
    description: "NVIDIA H200",
    isFallbackAdapter: false,
  };
  // Subgroup sizes stay the adapter's own: kernels are correct only with the real ones.
  const infoOf = (real: GPUAdapterInfo) =>
    new Proxy(real, {
      get: (target, key) =>
        Object.hasOwn(identity, key)
          ? identity[key as keyof typeof identity]
          : (Reflect.get(target, key, target) as unknown),
    });
  const override = (prototype: object, key: string, change: (value: never) => unknown) => {
    const original = Object.getOwnPropertyDescriptor(prototype, key);
    if (original?.get === undefined) return;
    Object.defineProperty(prototype, key, {
      configurable: true,
      get(this: unknown) {
        return change(original.get?.call(this) as never);
      },
    });
  };
  override(Object.getPrototypeOf(navigator) as object, "hardwareConcurrency", () => 16);
  const threads = new BroadcastChannel("threads of workers");
  if ("document" in globalThis) {
    const started: string[] = [];
    Object.assign(globalThis, { threadsOfWorkers: started });
    threads.onmessage = ({ data }) => started.push(data as string);
  } else {
    const Started = Worker;
    let fails = packingFails;
    globalThis.Worker = class extends Started {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        threads.postMessage(String(url));
        if (!fails || !String(url).includes("gpu.worker")) return;
        fails = false;
        let answers = 0;
        this.addEventListener("message", () => {
          answers += 1;
          if (answers !== 4) return;
          this.terminate();
          this.dispatchEvent(new ErrorEvent("error", { message: "stopped by the test" }));
          threads.postMessage("stopped");
        });
      }
    };
  }
  if (typeof GPUAdapter === "undefined") return;
  override(GPUAdapter.prototype, "info", infoOf);
  override(GPUDevice.prototype, "adapterInfo", infoOf);
  if (limits === null) return;
  override(
    GPUAdapter.prototype,
    "limits",
    (real: GPUSupportedLimits) =>
      new Proxy(real, {
        get: (target, key) =>
          limits[key as string] ?? (Reflect.get(target, key, target) as unknown),
      }),
  );
}

/**
 * Copies a built page and puts the disguise before its scripts; `remove` deletes the copy. With `packingFails`,
 * a thread that packs weights fails in the middle of a load.
 */
export async function disguisedPage(
  built: string,
  limits: Limits,
  packingFails = false,
): Promise<{ directory: string; remove: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), "tabmesh-page-"));
  await cp(built, directory, { recursive: true });
  const values = limits === "own" ? null : DEFAULT_LIMITS;
  // Where tsx compiled this file, functions are named by a helper of its own.
  const script = `{ const __name = (named) => named; (${disguise.toString()})(${JSON.stringify(values)}, ${packingFails}); }\n`;
  const assets = join(directory, "assets");
  const workers = (await readdir(assets)).filter((name) => /\.worker-.*\.js$/.test(name));
  if (workers.length === 0) throw new Error(`no worker scripts in ${assets}`);
  for (const name of workers) {
    const path = join(assets, name);
    await writeFile(path, script + (await readFile(path, "utf8")));
  }
  // A file of its own: the page's Content-Security-Policy refuses inline scripts.
  await writeFile(join(assets, "disguise.js"), script);
  const index = join(directory, "index.html");
  const html = await readFile(index, "utf8");
  await writeFile(
    index,
    html.replace("<head>", `<head><script src="/assets/disguise.js"></script>`),
  );
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}
