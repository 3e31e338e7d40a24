/**
 * The two ways that bytes between tabs go wrong. Both carry words for a person.
 */

/** A peer or the signalling server cannot be reached, or the link broke. Caught by the cluster. */
export class MeshError extends Error {
  override readonly name = "MeshError";
  readonly reason: MeshErrorReason;

  constructor(reason: MeshErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export type MeshErrorReason =
  | "unreachable" // nobody has that id, or no path to it
  | "timeout"
  | "refused" // the other side said no, such as another protocol version
  | "closed" // the connection was there and is gone
  | "signalling" // the signalling server
  | "taken" // the id is in use
  | "no_room" // nobody holds the room's door
  | "bytes"; // a range that the peer could not read

/** A peer sent bytes that no honest tab sends. Caught by whoever owns the channel, which closes it. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}
