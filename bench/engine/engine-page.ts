/** A tab that runs the engine in a worker, as the product does; a bench page. */
import * as Comlink from "comlink";
import type { EngineBench } from "./engine-worker.ts";
import type { EngineReply, EngineRequest } from "./requests.ts";

const worker = new Worker(new URL("./engine-worker.ts", import.meta.url), { type: "module" });
// Comlink waits forever for a worker that died.
const died = new Promise<never>((_, reject) => {
  worker.onerror = (event) => reject(new Error(`the engine's worker failed: ${event.message}`));
});
const engine = Comlink.wrap<EngineBench>(worker);

async function bench(request: EngineRequest): Promise<EngineReply> {
  const answer = engine.run(
    request,
    Comlink.proxy((line: string) => console.log(line)),
  );
  return Promise.race([answer as Promise<EngineReply>, died]);
}

Object.assign(globalThis, { tabmeshBench: bench });
