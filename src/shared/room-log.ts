/**
 * A room's log as a file: to step through what happened, and to attach to a bug report. Text with
 * the state before the first event, and the events since.
 */
import { z } from "zod";
import { apply, EventGapError } from "./apply.ts";
import { IndexedEvent } from "./events.ts";
import { parseJson, parseUntrusted } from "./parse.ts";
import { RoomError } from "./room-error.ts";
import { RoomState } from "./state.ts";

/** Incremented by each change of the state or the events that an older page cannot read. */
const ROOM_LOG_VERSION = 4;

const Versioned = z.object({ format: z.literal("tabmesh-log"), version: z.int() });

const RoomLogFile = z.object({ base: RoomState, events: z.array(IndexedEvent) });
export type RoomLog = {
  readonly base: RoomState;
  readonly events: readonly IndexedEvent[];
};

/** The file's text. */
export function writeRoomLog({ base, events }: RoomLog): string {
  return JSON.stringify({ format: "tabmesh-log", version: ROOM_LOG_VERSION, base, events });
}

/** Reads a file's text; each event follows the one before. Throws a `RoomError` "log_unreadable". */
export function readRoomLog(text: string): RoomLog {
  const json = parseJson(text);
  const head = Versioned.safeParse(json).data;
  if (head === undefined) throw new RoomError({ reason: "log_unreadable", problem: "not_a_log" });
  if (head.version !== ROOM_LOG_VERSION) {
    throw new RoomError({ reason: "log_unreadable", problem: "other_version" });
  }
  const log = parseUntrusted(RoomLogFile, json).data;
  if (log === undefined) throw new RoomError({ reason: "log_unreadable", problem: "malformed" });
  try {
    log.events.reduce(apply, log.base);
  } catch (error) {
    if (!(error instanceof EventGapError)) throw error;
    throw new RoomError({ reason: "log_unreadable", problem: "events_missing" });
  }
  return log;
}
