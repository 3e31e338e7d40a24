/** Who is a member of the room, who coordinates it, and what runs where. */
export type { AnswerEvent, AnswerUsage, AskInput, AskRequest } from "./answer.ts";
export { capacityKey } from "./capacity.ts";
export { type Lap, LapTimes } from "./lap-times.ts";
export { meshDoor } from "./mesh-door.ts";
export { createModelHost, type TabModelHost } from "./model-host.ts";
export type { ChatTurn, Door, ModelHost, ModelText, Planner, RoomParts, Timings } from "./parts.ts";
export type { PlacementPreviewAnswer, PreviewCandidate } from "./preview.ts";
export { PushQueue } from "./push-queue.ts";
export { RoomClient } from "./room-client.ts";
