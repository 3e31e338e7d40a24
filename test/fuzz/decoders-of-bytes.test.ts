import { testDecoders } from "./decoder-tests.ts";
import { BYTE_TARGETS } from "./targets/index.ts";

testDecoders(BYTE_TARGETS);
