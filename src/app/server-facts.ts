/** Asks the server that serves this page what it knows of itself. */
import { ServerFacts } from "../shared/index.ts";

/** Null where the page lies on a server that is not ours, or that cannot be reached. */
export async function readServerFacts(): Promise<ServerFacts | null> {
  const response = await fetch("/server.json").catch(() => null);
  if (response === null || !response.ok) return null;
  const body: unknown = await response.json().catch(() => null);
  return ServerFacts.safeParse(body).data ?? null;
}
