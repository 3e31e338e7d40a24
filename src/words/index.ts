/**
 * Every sentence that people read, rendered from data. Pure: data and a `NameOf`
 * in, sentences out. Another language is another copy of this module.
 */
export type { NameOf } from "./name-of.ts";
export { nameOfMembers, nameOfRoom } from "./name-of.ts";
export { describeFailure } from "./failure.ts";
export { describeNoAdapter } from "./no-adapter.ts";
export { describeModelNotice } from "./model-failure.ts";
export { describeApiProblem } from "./api-problem.ts";
export { describeDecision, describeTrigger } from "./decision.ts";
export { describeError, describeRoomFailure } from "./room-failure.ts";
export { describeNotice, type DescribedNotice } from "./room-notice.ts";
export {
  describeBrokenRule,
  describeChoice,
  describeGain,
  describeMove,
  describeRefusal,
  describeRemedy,
  describeUnknown,
  describeViolation,
} from "./placement.ts";
export {
  describeAlternative,
  describeCost,
  describeExcess,
  describeLeftOut,
  describeProof,
  describeRuleEffect,
  describeShares,
  labelCandidate,
} from "./placement-preview.ts";
