#!/usr/bin/env python3
"""Golden bytes: quantized blocks and llama.cpp's own dequantization of them.

Usage: dequantize.py LIBGGML_BASE OUT_FOLDER

LIBGGML_BASE is libggml-base.so as the npm package @node-llama-cpp/linux-x64
ships it (bins/linux-x64/libggml-base.so, version 3.22.1 for the committed
files). For each block format, writes FORMAT.json with `blocks` (the raw bytes)
and `weights` (the f32 bits), both base64. Half of the blocks are random numbers
quantized by ggml_quantize_chunk, half are random bytes with finite scales,
subnormal ones among them.
"""
import base64
import ctypes
import json
import pathlib
import random
import struct
import sys

# name: (ggml type, weights in a block, bytes of a block, offsets of its f16 scales, function)
FORMATS = {
    "F32": (0, 1, 4, [], None),
    "F16": (1, 1, 2, [0], "ggml_fp16_to_fp32_row"),
    "BF16": (30, 1, 2, [], "ggml_bf16_to_fp32_row"),
    "Q4_0": (2, 32, 18, [0], "dequantize_row_q4_0"),
    "Q4_1": (3, 32, 20, [0, 2], "dequantize_row_q4_1"),
    "Q5_0": (6, 32, 22, [0], "dequantize_row_q5_0"),
    "Q5_1": (7, 32, 24, [0, 2], "dequantize_row_q5_1"),
    "Q8_0": (8, 32, 34, [0], "dequantize_row_q8_0"),
    "Q4_K": (12, 256, 144, [0, 2], "dequantize_row_q4_K"),
    "Q5_K": (13, 256, 176, [0, 2], "dequantize_row_q5_K"),
    "Q6_K": (14, 256, 210, [208], "dequantize_row_q6_K"),
}
WEIGHTS = 1024  # of each kind, for each format


def quantized(library, ggml_type, block_bytes, block_weights, generator):
    values = (ctypes.c_float * WEIGHTS)(*[generator.gauss(0, 0.05) for _ in range(WEIGHTS)])
    out = ctypes.create_string_buffer(WEIGHTS // block_weights * block_bytes)
    quantize = library.ggml_quantize_chunk
    quantize.restype = ctypes.c_size_t
    pointers = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    quantize.argtypes = pointers + [ctypes.c_int64] * 3 + [ctypes.c_void_p]
    written = quantize(ggml_type, values, out, 0, 1, WEIGHTS, None)
    assert written == len(out.raw), (written, len(out.raw))
    return out.raw


def random_blocks(block_bytes, block_weights, scales, generator, floats):
    blocks = bytearray()
    for _ in range(WEIGHTS // block_weights):
        block = bytearray(generator.randbytes(block_bytes))
        for offset in scales:
            # Any finite f16: exponents 0 (subnormal) to 30.
            half = generator.getrandbits(16) & 0x83FF | generator.randrange(31) << 10
            block[offset : offset + 2] = struct.pack("<H", half)
        if floats == "F32":
            block = bytearray(struct.pack("<f", generator.gauss(0, 100)))
        if floats == "BF16":
            block = bytearray(struct.pack("<f", generator.gauss(0, 100))[2:])
        blocks += block
    return bytes(blocks)


def main(library_path, out_folder):
    library = ctypes.CDLL(library_path)
    for name, (ggml_type, block_weights, block_bytes, scales, function) in FORMATS.items():
        generator = random.Random(name)
        blocks = random_blocks(block_bytes, block_weights, scales, generator, name)
        if block_weights > 1:
            blocks += quantized(library, ggml_type, block_bytes, block_weights, generator)
        count = len(blocks) // block_bytes * block_weights
        weights = (ctypes.c_float * count)()
        if function is None:
            ctypes.memmove(weights, blocks, len(blocks))
        else:
            convert = getattr(library, function)
            convert.restype = None
            convert.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
            convert(ctypes.create_string_buffer(blocks, len(blocks)), weights, count)
        golden = {
            "format": name,
            "blocks": base64.b64encode(blocks).decode(),
            "weights": base64.b64encode(bytes(weights)).decode(),
        }
        path = pathlib.Path(out_folder) / f"{name}.json"
        path.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
