/** When a peer is suspected, when again, and how much silence it may have shown before. */
import { expect, test } from "vitest";
import { MemberId } from "../../src/shared/ids.ts";
import { IDLE_LOOK_MS, RUNNING_LOOK_MS, SilenceWatch } from "../../src/stage/silence-watch.ts";

const peer = MemberId.parse("a");

/** Looks until `untilMs`; the times of the reports. */
function reports(watch: SilenceWatch, lookMs: number, untilMs: number) {
  const found: (readonly [number, boolean])[] = [];
  for (let ms = lookMs; ms <= untilMs; ms += lookMs)
    for (const { again } of watch.look(lookMs)) found.push([ms, again]);
  return found;
}

test.each([
  [
    RUNNING_LOOK_MS,
    [
      [750, false],
      [1250, true],
    ],
  ],
  [
    IDLE_LOOK_MS,
    [
      [2000, false],
      [3000, true],
    ],
  ],
])(
  "with a check every %i ms, a peer is reported when suspected and once again later",
  (lookMs, expected) => {
    const watch = new SilenceWatch();
    watch.heard(peer);
    expect(reports(watch, lookMs, 60_000)).toEqual(expected);
  },
);

test("a peer that was never heard, or is forgotten, is not watched", () => {
  const watch = new SilenceWatch();
  expect(reports(watch, IDLE_LOOK_MS, 60_000)).toEqual([]);
  watch.heard(peer);
  watch.forget(peer);
  expect(reports(watch, IDLE_LOOK_MS, 60_000)).toEqual([]);
});

test("a frame ends the silence", () => {
  const watch = new SilenceWatch();
  for (let times = 0; times < 5; times++) {
    watch.heard(peer);
    expect(reports(watch, RUNNING_LOOK_MS, 500)).toEqual([]);
  }
  expect(watch.isPresent(peer, 250)).toBe(false);
  watch.heard(peer);
  expect(watch.isPresent(peer, 250)).toBe(true);
});

test("a peer that came back from a long silence may be silent for longer, until that is long ago", () => {
  const watch = new SilenceWatch();
  watch.heard(peer);
  expect(reports(watch, IDLE_LOOK_MS, 3000)).toHaveLength(2);
  watch.heard(peer);
  // Twice 3 s, less what 4 s make of it.
  expect(reports(watch, IDLE_LOOK_MS, 60_000)[0]).toEqual([5000, false]);
  watch.heard(peer);
  // Whatever it did before, it is suspected in the end.
  expect(reports(watch, IDLE_LOOK_MS, 60_000)[0]).toEqual([12_000, false]);
  watch.heard(peer);
  for (let looks = 0; looks < 480; looks++) {
    watch.look(RUNNING_LOOK_MS);
    watch.heard(peer);
  }
  expect(reports(watch, RUNNING_LOOK_MS, 2000)[0]).toEqual([750, false]);
});
