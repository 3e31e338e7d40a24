/** The JSON messages of the control channel. `body` belongs to the room's own protocol. */
import { z } from "zod";
import { CloseFailure } from "../shared/index.ts";
import { Hello } from "./handshake.ts";

export const Control = z.discriminatedUnion("type", [
  Hello,
  z.strictObject({ type: z.enum(["welcome", "ping", "pong"]) }),
  z.strictObject({ type: z.literal("bye"), failure: CloseFailure }),
  z.strictObject({ type: z.literal("message"), body: z.unknown() }),
]);
export type Control = z.infer<typeof Control>;
