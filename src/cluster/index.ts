/** Who is a member of the room, who coordinates it, and what runs where. */
export type { AnswerEvent, AnswerUsage, AskInput, AskRequest } from "./generation/answer.ts";
export { type Lap, LapTimes } from "./generation/lap-times.ts";
export { PushQueue } from "./generation/push-queue.ts";
export { EventLog } from "./log/event-log.ts";
export type {
  LoadProgress,
  ModelHost,
  ModelText,
  Planner,
  RoomParts,
  RoomRegistry,
  ShardRequest,
  Timings,
} from "./parts.ts";
export { capacityKey } from "./planning/capacity.ts";
export {
  type PlacementPreviewAnswer,
  type PreviewCandidate,
  previewStages,
} from "./planning/preview.ts";
export { RoomClient } from "./room-client.ts";
