import { expect, test } from "vitest";
import { MemberId } from "../../src/shared/ids.ts";
import { describeDifference, describeDifferences } from "../../src/words/heterogeneity.ts";

const [desk, phone] = [MemberId.parse("desk"), MemberId.parse("phone")];
const nameOf = (id: MemberId) => (id === desk ? "Desk" : "Phone");

test.each([
  ["memory", 1.6e9, 11e9, "Memory ranges from 1.60 GB (Phone) to 11.0 GB (Desk)."],
  ["throughput", 75, 100, "Phone is 25% slower than Desk."],
  ["throughput", 25, 100, "Desk is 4.00 times as fast as Phone."],
  ["utilization", 0.1, 0.42, "Utilization ranges from 10% (Phone) to 42% (Desk)."],
] as const)("%s", (kind, min, max, sentence) => {
  const difference = { kind, min, minMember: phone, max, maxMember: desk };
  expect(describeDifference(difference, nameOf)).toBe(sentence);
});

test("each difference is a sentence, and so is their absence", () => {
  const difference = {
    kind: "memory",
    min: 1.6e9,
    minMember: phone,
    max: 11e9,
    maxMember: desk,
  } as const;
  const sentence = "Memory ranges from 1.60 GB (Phone) to 11.0 GB (Desk).";
  expect(describeDifferences([difference, difference], nameOf)).toBe(`${sentence} ${sentence}`);
  expect(describeDifferences([], nameOf)).toBe(
    "All members have the same memory budget, and their throughput and utilization differ by at most 20%.",
  );
});
