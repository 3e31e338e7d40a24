/** Thread of the bench's engine. */
import { expose } from "comlink";
import { EngineSession } from "./engine-session.ts";
import type { EngineReply, EngineRequest } from "./requests.ts";

const session = new EngineSession();

const bench = {
  run: (request: EngineRequest, onLog: (line: string) => void): Promise<EngineReply> =>
    session.run(request, onLog),
};
export type EngineBench = typeof bench;

expose(bench);
