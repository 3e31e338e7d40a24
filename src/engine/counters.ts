/** What a shard has cost so far: the only mutable state that all parts of the engine share. */
export const newCounters = () => ({
  steps: 0,
  dispatches: 0,
  submits: 0,
  readbacks: 0,
  readbackBytes: 0,
  weightBytesRead: 0,
  bytesWritten: 0,
  pipelinesCreated: 0,
  bindGroupsCreated: 0,
  buffersCreated: 0,
});

export type Counters = ReturnType<typeof newCounters>;
