/** Encodes text without special tokens, and decodes normal tokens. One per kind of vocabulary. */
export type TextModel = {
  encode(text: string, afterSpecial: boolean): number[];
  /** The bytes of a normal token. */
  bytesOf(token: number): Uint8Array<ArrayBuffer>;
};
