/**
 * Starts a signaling server for browser tests, which find it by
 * `inject("signalingPort")`.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    signalingPort: number;
  }
}

export default async function startSignaling(project: TestProject): Promise<() => Promise<void>> {
  const thread = new Worker(new URL("./signaling-thread.mjs", import.meta.url));
  const [port] = (await once(thread, "message")) as [number];
  project.provide("signalingPort", port);
  return async () => {
    await thread.terminate();
  };
}
