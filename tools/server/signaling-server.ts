/**
 * Starts a signalling server for browser tests, which find it by
 * `inject("signallingPort")`.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    signallingPort: number;
  }
}

export default async function startSignalling(project: TestProject): Promise<() => Promise<void>> {
  const thread = new Worker(new URL("./signaling-thread.mjs", import.meta.url));
  const [port] = (await once(thread, "message")) as [number];
  project.provide("signallingPort", port);
  return async () => {
    await thread.terminate();
  };
}
