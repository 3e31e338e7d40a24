/** What the server tells its pages: `GET /server.json`. */
import { z } from "zod";

/** As in `RTCConfiguration`: STUN and TURN servers, for rooms that span networks. */
export const IceServer = z.strictObject({
  urls: z.union([z.string(), z.array(z.string()).min(1)]),
  username: z.string().optional(),
  credential: z.string().optional(),
});

export const ServerFacts = z.strictObject({
  /** The server's addresses: the first for this machine, the others for other machines. */
  addresses: z.array(z.string()).min(1),
  iceServers: z.array(IceServer),
});
export type ServerFacts = z.infer<typeof ServerFacts>;
