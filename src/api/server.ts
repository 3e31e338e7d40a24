/** A Tabmesh server's description of itself, and the models that it offers. */
import { z } from "zod";
import { type RoomCode, ServerFacts } from "../shared/index.ts";
import type { OfferedModel } from "./http/api-room.ts";

const OfferedModels = z.array(z.object({ name: z.string(), url: z.string() }));

/**
 * Null if there is no Tabmesh server at `server`. With the code of an open room, it includes
 * the credentials of TURN servers.
 */
export async function readServerFacts(
  server: string,
  code?: RoomCode,
): Promise<ServerFacts | null> {
  const headers = code === undefined ? {} : { Authorization: `Bearer ${code}` };
  const facts = await readJson(new URL("/server.json", server), { headers });
  return ServerFacts.safeParse(facts).data ?? null;
}

/** The files in the server's models folder; their URLs may be relative to the server. */
export async function readOfferedModels(server: string): Promise<readonly OfferedModel[]> {
  return OfferedModels.safeParse(await readJson(new URL("/models/", server))).data ?? [];
}

/** Null if the server cannot be reached or answers with something else. */
async function readJson(url: URL, init: RequestInit = {}): Promise<unknown> {
  try {
    const response = await fetch(url, init);
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}
