/**
 * A copy of the built page whose workers behave as a chaos test wants. Firefox's driver runs nothing in
 * workers, and the page's policy allows no other scripts.
 */
import { appendFile, cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUILT_PAGE } from "./e2e-room.ts";

const CHANNEL = "tabmesh-chaos";

const FAULTS = {
  /** The next step finds its device destroyed. */
  destroy_device: `
    const create = GPUDevice.prototype.createCommandEncoder;
    GPUDevice.prototype.createCommandEncoder = function (...values) {
      GPUDevice.prototype.createCommandEncoder = create;
      this.destroy();
      return create.apply(this, values);
    };`,
  /** An error that nobody catches. */
  crash_worker: `setTimeout(() => { throw new Error("crashed by a test"); });`,
  /** The channel on which the next frame with activations is sent closes instead. */
  close_frames: `
    const send = RTCDataChannel.prototype.send;
    RTCDataChannel.prototype.send = function (data) {
      if ((data.byteLength ?? 0) < 1000) return send.call(this, data);
      RTCDataChannel.prototype.send = send;
      this.close();
    };`,
};
export type WorkerFault = keyof typeof FAULTS;

export type ChaosPage = { readonly directory: string; remove(): Promise<void> };

/** With little memory, its tabs have 256 MiB for layers, the least that a tab counts on. */
export async function createChaosPage(hasLittleMemory: boolean): Promise<ChaosPage> {
  const directory = await mkdtemp(join(tmpdir(), "tabmesh-chaos-"));
  await cp(BUILT_PAGE, directory, { recursive: true });
  const assets = join(directory, "assets");
  const append = async (worker: string, code: string) => {
    const file = (await readdir(assets)).find((name) => name.startsWith(worker));
    if (file === undefined) throw new Error(`the built page has no ${worker}`);
    await appendFile(join(assets, file), `\n;${code};`);
  };
  const faults = Object.entries(FAULTS).map(([name, code]) => `${name}() {${code}}`);
  const listener = `({ data }) => ({ ${faults.join(",")} })[data]()`;
  await append("gpu.worker", `new BroadcastChannel("${CHANNEL}").onmessage = ${listener}`);
  if (hasLittleMemory)
    await append(
      "probe.worker",
      `Object.defineProperty(WorkerNavigator.prototype, "deviceMemory", { get: () => 0.25 })`,
    );
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}

/** Runs in the page of a tab whose GPU worker is to fail. */
export function requestFault(fault: WorkerFault): string {
  return `new BroadcastChannel("${CHANNEL}").postMessage("${fault}")`;
}
