/**
 * STUN and TURN servers for rooms that span networks, from the environment:
 * `ICE_SERVERS='[{"urls":"turn:turn.example.org","username":"u","credential":"c"}]'`.
 */
import { z } from "zod";
import { IceServer, parseJson, type ServerFacts } from "../src/shared/index.ts";

/** The servers, or one line that says what is wrong with the value and how to write it. */
export function iceServersOf(value: string | undefined): ServerFacts["iceServers"] | string {
  if (value === undefined || value === "") return [];
  const parsed = z.array(IceServer).safeParse(parseJson(value));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.join(".") || "the value";
  return `ICE_SERVERS is not a list of ICE servers (${where}: ${issue?.message}); write it as ICE_SERVERS='[{"urls":"stun:stun.example.org"}]'`;
}
