/**
 * A model's content address: the SHA-256 of the header's bytes and the file's length,
 * in hex. Files with equal headers and lengths are the same model to the cache.
 */
export async function contentIdOf(
  header: Uint8Array<ArrayBuffer>,
  fileBytes: number,
): Promise<string> {
  const input = new Uint8Array(header.length + 8);
  input.set(header);
  new DataView(input.buffer).setBigUint64(header.length, BigInt(fileBytes), true);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", input));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
