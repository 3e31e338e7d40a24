import type { Oracle } from "./oracle.ts";
export function writeTokenGoldens(_oracle: Oracle): Promise<void> {
  return Promise.resolve();
}
