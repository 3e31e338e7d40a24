import { testDecoders } from "./decoder-tests.ts";
import { TEXT_TARGETS } from "./targets/index.ts";

testDecoders(TEXT_TARGETS);
