/**
 * The certificates of the two ends of a DTLS connection. A signaling server in the middle must
 * replace them, so two sides that agree on them are directly connected.
 */

/** In one order on both sides. */
export type Fingerprints = readonly [string, string];

type Descriptions = Pick<RTCPeerConnection, "localDescription" | "remoteDescription">;

/** Of an open connection; null if a description has no fingerprint. */
export function fingerprintsOf(connection: Descriptions): Fingerprints | null {
  const local = fingerprintOf(connection.localDescription?.sdp ?? "");
  const remote = fingerprintOf(connection.remoteDescription?.sdp ?? "");
  return local === "" || remote === "" ? null : sortedFingerprints(local, remote);
}

export function sortedFingerprints(one: string, other: string): Fingerprints {
  return one < other ? [one, other] : [other, one];
}

/** All fingerprints of a description (RFC 8122), because the browser accepts a certificate with any of them. */
function fingerprintOf(sdp: string): string {
  const lines = sdp.matchAll(/^a=fingerprint:(\S+) +(\S+)\s*$/gim);
  const values = Array.from(lines, ([, hash, value]) => `${hash} ${value}`.toLowerCase());
  return [...new Set(values)].sort().join(", ");
}
