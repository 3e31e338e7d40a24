import { MemoryNetwork } from "../../tools/room/memory-transport.ts";
import { MemberId } from "../../src/shared/ids.ts";
import { transportSuite } from "./transport-suite.ts";

transportSuite("memory", () => {
  const network = new MemoryNetwork();
  return Promise.resolve([network.join(MemberId.parse("a")), network.join(MemberId.parse("b"))]);
});
