/** Ids that tabs use. Branded, so that a member's id cannot be passed as a room's code. */
import { z } from "zod";

/** A member of a room; also its peer id at the signaling server. */
export const MemberId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, "a member id is 1 to 64 letters, digits, - or _")
  .brand<"MemberId">();
export type MemberId = z.infer<typeof MemberId>;

/** Without 0, O, 1, I, and L, which people confuse when they read a code aloud. */
export const ROOM_CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
export const ROOM_CODE_LENGTH = 6;

/** Six characters of `ROOM_CODE_ALPHABET`; accepted in any case, kept in upper case. */
export const RoomCode = z
  .string()
  .trim()
  .toUpperCase()
  .regex(
    new RegExp(`^[${ROOM_CODE_ALPHABET}]{${ROOM_CODE_LENGTH}}$`),
    `a room code is ${ROOM_CODE_LENGTH} characters of ${ROOM_CODE_ALPHABET}`,
  )
  .brand<"RoomCode">();
export type RoomCode = z.infer<typeof RoomCode>;

/** A request in flight. Unique in a room's lifetime; fits a frame's u32. */
export const GenerationId = z.int().min(1).max(0xffff_ffff).brand<"GenerationId">();
export type GenerationId = z.infer<typeof GenerationId>;

/** A placement decision. Incremented with each; part of every frame. */
export const PlacementId = z.int().min(1).max(0xffff_ffff).brand<"PlacementId">();
export type PlacementId = z.infer<typeof PlacementId>;
