/** The two ways in which bytes between tabs go wrong. */
import { FailureError, type MeshFailure } from "../shared/index.ts";

/** A peer or the signaling server cannot be reached, or the connection broke. Caught by the cluster. */
export class MeshError extends FailureError<MeshFailure> {
  override readonly name = "MeshError";
}

/** A peer sent bytes that no correct tab sends. Caught by the owner of the channel, which closes it. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}
