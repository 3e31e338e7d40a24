/** What the server tells a page that it serves: `GET /server.json`. */
import { z } from "zod";

/** As in `RTCConfiguration`: STUN and TURN servers, for rooms that span networks. */
export const IceServer = z.strictObject({
  urls: z.union([z.string(), z.array(z.string()).min(1)]),
  username: z.string().optional(),
  credential: z.string().optional(),
});

export const ServerFacts = z.strictObject({
  /** Where this server can be opened; the first is the machine's own, others are for other machines. */
  addresses: z.array(z.string()).min(1),
  iceServers: z.array(IceServer),
});
export type ServerFacts = z.infer<typeof ServerFacts>;
