/**
 * Every sentence that people read, rendered from data. Pure: data and a `NameOf`
 * in, sentences out. Another language is another copy of this module.
 */
export { type Answer, type AnswerStatus, describeAnswerStatus } from "./answer-status.ts";
export { describeApiProblem } from "./api-problem.ts";
export { describeBridgeRefusal } from "./bridge-refusal.ts";
export { describeDecision, describeTrigger } from "./decision.ts";
export { describeFailure } from "./failure.ts";
export { describeDifference, describeDifferences } from "./heterogeneity.ts";
export { describeInputProblem, type InputProblem } from "./input-problem.ts";
export { describeKernelChoice, describeTuning } from "./kernel-report.ts";
export {
  adapterLine,
  describeForecast,
  deviceFacts,
  type Fact,
  limitFacts,
  linkText,
  measuredFacts,
  type Score,
  scoreFacts,
  signalFacts,
} from "./member-facts.ts";
export { type NameOf, nameOfMembers, nameOfRoom } from "./sentences.ts";
export { describeNoAdapter, describeOwnAdapter } from "./no-adapter.ts";
export {
  describeCost,
  describeExcess,
  describeLeftOut,
  describeProof,
  describeRuleEffect,
  describeShares,
  labelCandidate,
} from "./placement-preview.ts";
export {
  describeRefusal,
  describeRemedy,
  describeUnknown,
  describeViolation,
} from "./placement.ts";
export { bytes, capitalized, figure, layerRange, plural, time } from "./quantities.ts";
export { describeRecovery } from "./recovery.ts";
export { describeEvent } from "./room-event.ts";
export { describeRoomFailure } from "./room-failure.ts";
export { type DescribedNotice, describeNotice } from "./room-notice.ts";
