/** Number formats and GGUF block formats, with plain reference code to decode them; no GPU. */
export { BLOCK_FORMATS, type BlockFormat, rowBytes } from "./block-format.ts";
export { dequantize } from "./dequantize.ts";
export { float16ToNumber, numberToFloat16 } from "./float16.ts";
export { randomBlocks } from "./random-blocks.ts";
