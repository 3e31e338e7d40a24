/** GPT-2's alphabet of byte-level BPE: one printable character per byte. */
const CHARACTER_OF_BYTE: readonly string[] = makeAlphabet();
const BYTE_OF_CHARACTER: ReadonlyMap<string, number> = new Map(
  CHARACTER_OF_BYTE.map((character, byte) => [character, byte]),
);

/** The UTF-8 bytes of `text`, one character per byte. */
export function spellBytes(text: string): string {
  let spelled = "";
  for (const byte of new TextEncoder().encode(text)) spelled += CHARACTER_OF_BYTE[byte];
  return spelled;
}

/** The bytes of `spelled`. A character outside the alphabet is its own UTF-8. */
export function unspellBytes(spelled: string): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (const character of spelled) {
    const byte = BYTE_OF_CHARACTER.get(character);
    if (byte === undefined) bytes.push(...new TextEncoder().encode(character));
    else bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** Printable bytes are their own characters; the others are U+0100 and up. */
function makeAlphabet(): string[] {
  const isPrintable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(isPrintable(byte) ? byte : next++),
  );
}
