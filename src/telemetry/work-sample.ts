/** How busy a tab's shard was since the last look. The GPU worker's own answer has this shape. */
export type WorkSample = {
  readonly busyFraction: number;
  /** Median engine time of a decode step since the last look; null when there was none. */
  readonly stepMs: number | null;
  readonly tokensPerSecond: number;
  readonly memoryUsedBytes: number;
};
