/** Moves bytes between tabs: connections, frames, flow control, and the measurement of links. */
export { type Admission, createAdmission, type ProvenBy } from "./admission.ts";
export { sortedFingerprints } from "./fingerprints.ts";
export { frameLinks } from "./frame-links.ts";
export { ChannelFramePort, type SliceChannel, WAITING_FRAME_BYTES } from "./frame-port.ts";
export {
  decode,
  encode,
  type EndFrame,
  type FailureFrame,
  type Frame,
  type FrameHeader,
  type HiddenFrame,
  type PingFrame,
  type PromptFrame,
  type ResumeFrame,
  type Segment,
  type StageClock,
  type TokenFrame,
} from "./frames.ts";
export { type Handshake, openHandshake } from "./handshake.ts";
export { Heartbeat, HEARTBEAT_MS } from "./heartbeat.ts";
export { type LinkQuality, measureLink } from "./link-measurement.ts";
export { MeshError, ProtocolError } from "./mesh-error.ts";
export { peerReaders, serveBytes } from "./peer-bytes.ts";
export { PROTOCOL_VERSION } from "./packet.ts";
export { openPeerTransport, PeerTransport } from "./peer-transport.ts";
export { claimRoom, lookUpRoom, reachesServer, type RoomClaim } from "./room-registry.ts";
export type { PeerOptions } from "./signaling.ts";
export { type FramePort, type Transport, TransportListeners } from "./transport.ts";
