/** The custom elements that show a room; importing this registers them. */
import "./tabmesh-app.ts";

export type { PageCommand, CommandInRoom } from "./page-command.ts";
export type {
  ChatMessage,
  PageView,
  PlacementCandidate,
  PlacementPreview,
  StageTiming,
} from "./page-view.ts";
export { perFrame } from "./per-frame.ts";
