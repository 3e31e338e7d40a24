/**
 * Ids of placements and generations: the epoch in the upper bits, a count in the lower
 * ones. So a new coordinator's ids differ from the old one's, even if it lacks the old
 * one's last events.
 */
const COUNT_BITS = 20;
const EPOCHS = 2 ** (32 - COUNT_BITS);

/** The `count`-th id of `epoch`, count from 1; fits a frame's u32. */
export function idInEpoch(epoch: number, count: number): number {
  if (count < 1 || count >= 2 ** COUNT_BITS) {
    throw new Error(`An epoch has ${2 ** COUNT_BITS - 1} ids; number ${count} was asked for.`);
  }
  return (epoch % EPOCHS) * 2 ** COUNT_BITS + count;
}

/**
 * Counts ids from a random number on: the two sides of a partition may open the same epoch, and their ids
 * must differ when they meet. At least half of the ids of an epoch are left.
 */
export function idsInEpochs(random: () => number): (epoch: number) => number {
  let count = Math.floor((random() * 2 ** COUNT_BITS) / 2);
  return (epoch) => idInEpoch(epoch, ++count);
}

/** The epoch in which `id` was assigned. */
export function epochOfId(id: number): number {
  return Math.floor(id / 2 ** COUNT_BITS);
}
