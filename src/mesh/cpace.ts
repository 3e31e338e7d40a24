/**
 * CPace, a password-authenticated key exchange: two sides that know the same short code get the
 * same key, and neither a listener nor the other side can try more than one code per exchange.
 * draft-irtf-cfrg-cpace, cipher suite CPACE-RISTR255-SHA512, with initiator and responder, and
 * with the draft's explicit key confirmation. Names follow the draft.
 */
import { ristretto255, ristretto255_hasher } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, randomBytes, utf8ToBytes } from "@noble/hashes/utils.js";

/** What both sides must have in common, besides the code. */
export type CpaceInputs = {
  /** PRS: the code. */
  readonly password: Uint8Array;
  /** CI: what identifies this connection. */
  readonly channel: Uint8Array;
  /** sid: public and unique to this exchange. */
  readonly session: Uint8Array;
};

/** A side's public message. `data` (AD) differs between the roles, so that no message can be reflected. */
export type CpaceMessage = { readonly share: Uint8Array; readonly data: Uint8Array };

const DSI = utf8ToBytes("CPaceRistretto255");
const SHA512_BLOCK_BYTES = 128;
const SCALAR_BYTES = 32;
const GROUP_SIZE_BITS = 252;
const ORDER = ristretto255.Point.Fn.ORDER;

/** y: as the draft recommends, 252 random bits. */
export function sampleScalar(random: Uint8Array = randomBytes(SCALAR_BYTES)): bigint {
  return BigInt.asUintN(GROUP_SIZE_BITS, bytesToNumberLE(random));
}

/** G.scalar_mult(y, G.calculate_generator(H, PRS, CI, sid)): the public share of a side. */
export function publicShare(inputs: CpaceInputs, scalar: bigint): Uint8Array {
  return multiply(ristretto255_hasher.deriveToCurve!(sha512(generatorString(inputs))), scalar);
}

/** ISK: the key of both sides; null if the other side's share is invalid, upon which the caller aborts. */
export function intermediateKey(
  { session }: Pick<CpaceInputs, "session">,
  scalar: bigint,
  initiator: CpaceMessage,
  responder: CpaceMessage,
  theirs: CpaceMessage,
): Uint8Array | null {
  const secretPoint = multiplyVerified(theirs.share, scalar);
  if (secretPoint === null) return null;
  const label = concatBytes(DSI, utf8ToBytes("_ISK"));
  return sha512(
    concatBytes(
      lvCat(label, session, secretPoint),
      lvCat(initiator.share, initiator.data),
      lvCat(responder.share, responder.data),
    ),
  );
}

/** The tag by which the sender of `message` proves that it has the key. */
export function confirmationTag(
  { session }: Pick<CpaceInputs, "session">,
  key: Uint8Array,
  message: CpaceMessage,
): Uint8Array {
  const macKey = sha512(concatBytes(utf8ToBytes("CPaceMac"), session, key));
  return hmac(sha512, macKey, lvCat(message.share, message.data));
}

/** The padding fills the hash's first block, so that its work does not depend on the code's length. */
export function generatorString({ password, channel, session }: CpaceInputs): Uint8Array {
  const head = 1 + lvCat(password).length + lvCat(DSI).length;
  const padding = new Uint8Array(Math.max(0, SHA512_BLOCK_BYTES - head));
  return lvCat(DSI, password, padding, channel, session);
}

/** Each part after its length (LEB128), so that no two lists of parts give the same bytes. */
export function lvCat(...parts: readonly Uint8Array[]): Uint8Array {
  return concatBytes(...parts.flatMap((part) => [leb128(part.length), part]));
}

type Point = InstanceType<typeof ristretto255.Point>;

/** The encoded product. noble requires a reduced scalar; 252 random bits may be a bit more than the order. */
function multiply(point: Point, scalar: bigint): Uint8Array {
  const reduced = scalar % ORDER;
  const product = reduced === 0n ? ristretto255.Point.ZERO : point.multiply(reduced);
  return product.toBytes();
}

/** G.scalar_mult_vfy: null where the draft says G.I. */
function multiplyVerified(share: Uint8Array, scalar: bigint): Uint8Array | null {
  let point: Point;
  try {
    point = ristretto255.Point.fromBytes(share);
  } catch {
    return null; // not the encoding of an element
  }
  if (point.equals(ristretto255.Point.ZERO)) return null;
  const product = multiply(point, scalar);
  return product.every((byte) => byte === 0) ? null : product;
}

function leb128(length: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = length; ; rest >>= 7) {
    bytes.push(rest < 128 ? rest : (rest & 0x7f) | 0x80);
    if (rest < 128) return Uint8Array.from(bytes);
  }
}
