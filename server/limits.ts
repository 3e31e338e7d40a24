/**
 * What the server grants at most. An address is one IPv4 address or one IPv6 network of 64
 * bits; behind a proxy, and for all tabs of this machine, it is one address. Each limit is far
 * above what a room of twenty tabs behind one address needs.
 */
import { MAX_BRIDGED_BODY_BYTES } from "../src/shared/index.ts";

/** `burst` at once, then `perSecond`. */
export type Rate = { readonly perSecond: number; readonly burst: number };

export type Limits = {
  /** From the connection to its first byte, and to the end of a TLS handshake. */
  readonly firstByteMs: number;
  /** From a request's first byte to the end of its headers. */
  readonly headersMs: number;
  /** From a request's first byte to the end of its body. */
  readonly requestMs: number;
  /** How often Node looks for requests that are over their time. */
  readonly checkMs: number;
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** HTTP requests and WebSocket handshakes of an address. */
  readonly requests: Rate;
  /** Messages on all WebSockets of an address. */
  readonly messages: Rate;
  /** Different codes that an address looks up, opens rooms with, or presents, and wrong keys. */
  readonly guesses: Rate;
  /** Messages of signaling to names that nobody has, of an address. */
  readonly strays: Rate;
  readonly bodyBytes: number;
  /** All bodies that are being read. */
  readonly bodiesBytes: number;
  /** Requests that wait because the room's tab does not read them, and messages of signaling to one client. */
  readonly unreadBytes: number;
  /** Rooms whose keys the server keeps. */
  readonly rooms: number;
  /** HTTP requests in flight, event streams included. */
  readonly requestsPerRoom: number;
  /** Response bytes that wait for a slow HTTP client. Above the first the room pauses, below the
   * second it resumes, and above the third, if it did not pause, the request is cancelled. */
  readonly pauseBytes: number;
  readonly resumeBytes: number;
  readonly cancelBytes: number;
  /** A message on `/bridge`: a chunk of 64 Ki characters, each of which JSON may escape with six. */
  readonly bridgeMessageBytes: number;
  /** A message of signaling: an offer with many candidates has some kilobytes. */
  readonly signalingMessageBytes: number;
  readonly signalingClients: number;
};

const MIB = 1024 * 1024;

export const LIMITS: Limits = {
  firstByteMs: 10_000,
  headersMs: 10_000,
  requestMs: 60_000,
  checkMs: 1_000,
  connections: 2048,
  connectionsPerAddress: 512,
  // A page loads a dozen files; a worker reads a model in hundreds of ranges.
  requests: { perSecond: 200, burst: 2000 },
  // Each of n tabs sends some twenty messages to each other one when a room forms.
  messages: { perSecond: 2000, burst: 20_000 },
  // One for a room, however often its members look it up. All codes would take fifty years.
  guesses: { perSecond: 0.5, burst: 60 },
  strays: { perSecond: 40, burst: 400 },
  bodyBytes: MAX_BRIDGED_BODY_BYTES,
  bodiesBytes: 256 * MIB,
  unreadBytes: 8 * MIB,
  rooms: 1024,
  requestsPerRoom: 64,
  pauseBytes: 256 * 1024,
  resumeBytes: 64 * 1024,
  cancelBytes: 4 * MIB,
  bridgeMessageBytes: MIB,
  signalingMessageBytes: 64 * 1024,
  signalingClients: 2048,
};
