/** What a kind of vocabulary does with text that holds no special token. */
export type TextModel = {
  encode(text: string, afterSpecial: boolean): number[];
  /** The bytes that a normal token stands for. */
  bytesOf(token: number): Uint8Array<ArrayBuffer>;
};
