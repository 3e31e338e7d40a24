/** Replaces the GPU worker in tests: the real stage host on a shard in plain loops. */
import * as Comlink from "comlink";
import { StageHost } from "../../src/stage/index.ts";
import { CpuShard } from "./cpu-shard.ts";

Comlink.expose(
  new StageHost((description, options) => Promise.resolve(new CpuShard(description, options))),
);
