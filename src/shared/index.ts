/** The vocabulary that all tabs share: ids, events, commands, the room's state, and how events change it. */
export {
  API_PROBLEM_STATUS,
  type ApiErrorBody,
  apiErrorBody,
  ApiProblem,
  UnsupportedFeature,
} from "./api-problem.ts";
export { apply, emptyRoom } from "./apply.ts";
export { BRIDGE_CLOSE_CODE, BridgeRefusal } from "./bridge-refusal.ts";
export {
  BRIDGE_PATH,
  BRIDGE_VERSION,
  BRIDGED_HEADERS,
  BridgeClaimMessage,
  BridgeRequest,
  bridgeVersionOf,
  isLaterTerm,
  MAX_BRIDGED_BODY_BYTES,
  MAX_CHUNK_CHARACTERS,
  PageToServer,
  ROOM_ENDED_CODE,
  ServerToPage,
} from "./bridge.ts";
export { Cause } from "./cause.ts";
export { beforeDeadline } from "./before-deadline.ts";
export { type Clock, sleep, SYSTEM_CLOCK } from "./clock.ts";
export { PageCommand } from "./commands.ts";
export { CapacityChange, Decision, DecisionReason, DecisionTrigger } from "./decision.ts";
export { EngineFailure } from "./engine-failure.ts";
export { detailOf, errorMessage } from "./error-message.ts";
export { IndexedEvent, RoomEvent } from "./events.ts";
export { typed } from "./failure-schema.ts";
export {
  causeOf,
  Failure,
  FailureError,
  failureOf,
  isOfSource,
  isUnreachableSource,
} from "./failure.ts";
export { type Difference, differencesBetween, HETEROGENEOUS_SHARE } from "./heterogeneity.ts";
export {
  GenerationId,
  MemberId,
  PlacementId,
  ROOM_CODE_ALPHABET,
  ROOM_CODE_LENGTH,
  RoomCode,
} from "./ids.ts";
export { type Invitation, invitationLink, readInvitation } from "./invitation.ts";
export { KernelChoice, KernelReport } from "./kernel-report.ts";
export { LeaveReason } from "./leave-reason.ts";
export { isFresh } from "./measurement-age.ts";
export { median } from "./median.ts";
export {
  Adapter,
  DeviceState,
  Link,
  LoadPhase,
  LostLink,
  MAX_FAULTS,
  MAX_NAME_CHARACTERS,
  Measurements,
  Member,
  MemberName,
  MemberUse,
  NoAdapter,
  ShardState,
} from "./member.ts";
export { AdmissionFailure, CloseFailure, MeshFailure, ReadFailure } from "./mesh-failure.ts";
export {
  MalformedProblem,
  ModelFailure,
  type ModelNotice,
  UnsupportedModelFeature,
} from "./model-failure.ts";
export { modelIdOf, ModelSource, ModelSummary } from "./model.ts";
export {
  Breach,
  BrokenRule,
  type CandidateOrigin,
  Choice,
  ConstraintName,
  MoveReason,
  Refusal,
  Remedy,
  SolverFailure,
  UnknownCause,
  Violation,
} from "./placement-reasons.ts";
export { parseUntrusted } from "./parse-untrusted.ts";
export { DEFAULT_PLACEMENT_RULES, PlacementRules, type RuleUse } from "./placement-rules.ts";
export { RoomError, type RoomErrorCode, roomFailureOf } from "./room-error.ts";
export { readRoomLog, type RoomLog, writeRoomLog } from "./room-log.ts";
export {
  Denial,
  JoinRefusal,
  MAX_FIELD_CHARACTERS,
  PlacementFailure,
  RoomFailure,
  StageLoss,
  StagesRefusal,
} from "./room-failure.ts";
export type { RoomNotice, TabWarning } from "./room-notice.ts";
export {
  admissionKey,
  BridgeNonce,
  BridgePublicKey,
  BridgeSignature,
  createBridgeNonce,
  createRoomSecret,
  KeySuccession,
  nextRoomKey,
  RoomKey,
  RoomSecret,
  signBridgeClaim,
  succeeds,
  verifyBridgeClaim,
} from "./room-secret.ts";
export { GREEDY, Sampling } from "./sampling.ts";
export type { RecoveryProgress } from "./recovery.ts";
export { IceServer, ServerFacts } from "./server-facts.ts";
export {
  kvBytesPerToken,
  modelBytes,
  type ShardBytes,
  placedScratchBytes,
  scratchBytes,
  scratchSizes,
  shardBytes,
  totalBytes,
} from "./shard-bytes.ts";
export { StageFailure } from "./stage-failure.ts";
export { MAX_LAPS } from "./stage-port.ts";
export { boundaryRange, moveBoundary, sameStages } from "./stages.ts";
export type {
  GenerationFailure,
  Pipeline,
  PromptRequest,
  StageListeners,
  StageObservation,
  StagePort,
  RequestedGeneration,
  ShardRole,
  StageRoom,
  StageSample,
  TokenEvent,
} from "./stage-port.ts";
export {
  Admits,
  DEFAULT_SETTINGS,
  type Handover,
  openerRule,
  Placement,
  RequestKey,
  RoomState,
  Settings,
  Stage,
  type Generation,
} from "./state.ts";
export {
  predictStepMs,
  PREFILL_TOKENS,
  runAheadComputeMs,
  slowdownOf,
  stepsInFlight,
  stepTimes,
  THROTTLED_RATIO,
} from "./step-time.ts";
export {
  FORECAST_AHEAD_MS,
  msUntilRatio,
  ratioAhead,
  ThrottleForecast,
} from "./throttle-forecast.ts";
export { Trouble } from "./trouble.ts";
export { WorkerFailure, WorkerName } from "./worker-failure.ts";
