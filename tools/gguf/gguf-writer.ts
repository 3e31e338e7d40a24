/**
 * Writes small GGUF files for tests: metadata by JavaScript type, tensors with
 * given bytes. Knows no more of the format than the specification says, and
 * shares no code with the reader.
 */
export type GgufValue =
  | { readonly type: "u8" | "u32" | "i32" | "f32"; readonly value: number }
  | { readonly type: "u64"; readonly value: bigint }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "strings"; readonly value: readonly string[] }
  | { readonly type: "i32s" | "f32s"; readonly value: readonly number[] };

export type GgufTensor = {
  readonly name: string;
  /** ne[0] first. */
  readonly shape: readonly number[];
  readonly ggmlType: number;
  readonly bytes: Uint8Array;
  /** Written instead of the right offset, to make a broken file. */
  readonly offset?: number;
};

export type GgufFile = {
  readonly version?: number;
  readonly metadata: Readonly<Record<string, GgufValue>>;
  readonly tensors: readonly GgufTensor[];
};

const ALIGNMENT = 32;

/** What precedes the tensors' bytes, of which only the numbers are needed. */
export type GgufHeader = Omit<GgufFile, "tensors"> & {
  readonly tensors: readonly (Omit<GgufTensor, "bytes"> & {
    readonly bytes: { readonly length: number };
  })[];
};

export function writeGguf(file: GgufFile): Uint8Array<ArrayBuffer> {
  const out = new Writer();
  out.raw(writeGgufHeader(file));
  for (const { bytes } of file.tensors) {
    out.raw(bytes);
    out.align();
  }
  return out.bytes();
}

/** Each tensor's bytes follow it, padded to 32. */
export function writeGgufHeader({
  version = 3,
  metadata,
  tensors,
}: GgufHeader): Uint8Array<ArrayBuffer> {
  const out = new Writer();
  out.raw(new TextEncoder().encode("GGUF"));
  out.u32(version);
  out.u64(BigInt(tensors.length));
  out.u64(BigInt(Object.keys(metadata).length));
  for (const [key, value] of Object.entries(metadata)) {
    out.string(key);
    writeValue(out, value);
  }
  let offset = 0;
  for (const tensor of tensors) {
    out.string(tensor.name);
    out.u32(tensor.shape.length);
    for (const size of tensor.shape) out.u64(BigInt(size));
    out.u32(tensor.ggmlType);
    out.u64(BigInt(tensor.offset ?? offset));
    offset += padded(tensor.bytes.length);
  }
  out.align();
  return out.bytes();
}

function writeValue(out: Writer, value: GgufValue): void {
  switch (value.type) {
    case "u8":
      out.u32(0);
      return out.raw(Uint8Array.of(value.value));
    case "u32":
      out.u32(4);
      return out.u32(value.value);
    case "i32":
      out.u32(5);
      return out.u32(value.value >>> 0);
    case "f32":
      out.u32(6);
      return out.f32(value.value);
    case "bool":
      out.u32(7);
      return out.raw(Uint8Array.of(value.value ? 1 : 0));
    case "string":
      out.u32(8);
      return out.string(value.value);
    case "u64":
      out.u32(10);
      return out.u64(value.value);
    case "strings":
      out.array(8, value.value.length);
      return value.value.forEach((item) => out.string(item));
    case "i32s":
      out.array(5, value.value.length);
      return value.value.forEach((item) => out.u32(item >>> 0));
    case "f32s":
      out.array(6, value.value.length);
      return value.value.forEach((item) => out.f32(item));
  }
}

class Writer {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  raw(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }
  u32(value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    this.raw(bytes);
  }
  u64(value: bigint): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    this.raw(bytes);
  }
  f32(value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.raw(bytes);
  }
  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u64(BigInt(bytes.length));
    this.raw(bytes);
  }
  array(elementType: number, length: number): void {
    this.u32(9);
    this.u32(elementType);
    this.u64(BigInt(length));
  }
  align(): void {
    this.raw(new Uint8Array(padded(this.#length) - this.#length));
  }
  bytes(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#length);
    let offset = 0;
    for (const part of this.#parts) {
      all.set(part, offset);
      offset += part.length;
    }
    return all;
  }
}

const padded = (length: number): number => Math.ceil(length / ALIGNMENT) * ALIGNMENT;
