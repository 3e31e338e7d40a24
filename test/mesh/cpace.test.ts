/** CPace against the draft's test vectors, and what must not give a key. */
import { ristretto255 } from "@noble/curves/ed25519.js";
import { describe, expect, test } from "vitest";
import {
  confirmationTag,
  generatorString,
  intermediateKey,
  lvCat,
  publicShare,
  sampleScalar,
} from "../../src/mesh/cpace.ts";

const hex = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));
const utf8 = (text: string) => new TextEncoder().encode(text);

/** draft-irtf-cfrg-cpace, "Test vector for CPace using group ristretto255 and hash SHA-512". */
const vector = {
  inputs: {
    password: utf8("Password"),
    channel: hex("0b415f696e69746961746f720b425f726573706f6e646572"),
    session: hex("7e4b4791d6a8ef019b936c79fb7f2c57"),
  },
  generatorString:
    "11435061636552697374726574746f3235350850617373776f726464" +
    "00".repeat(100) +
    "180b415f696e69746961746f720b425f726573706f6e646572107e4b4791d6a8ef019b936c79fb7f2c57",
  generator: "222b6b195fe84b1652badb6f6a3ae3d24341e7306967f0b8115b40d5698c7e56",
  ya: "da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08",
  Ya: "d6bac480f2c386c394efc7c47adb9925dcd2630b64f240c50f8d0eec482b9157",
  yb: "d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d",
  Yb: "3ea7e0b19560d7c0b0f5734f63b955286dfa8232b5ebe63324e2d9e7433f7258",
  key:
    "b69effbf61b51d56401c0f65601abe428de8206feaaf0e32198896dcae7b35cd" +
    "2b38950a39dfd5d4a79164614c2984f7daa460b588c1e80c3fa2068af7900447",
};
const { inputs } = vector;
const [ya, yb] = [sampleScalar(hex(vector.ya)), sampleScalar(hex(vector.yb))];
const a = { share: hex(vector.Ya), data: utf8("ADa") };
const b = { share: hex(vector.Yb), data: utf8("ADb") };

describe("the draft's test vectors", () => {
  test("the string that is hashed to the generator", () => {
    expect(Buffer.from(generatorString(inputs)).toString("hex")).toBe(vector.generatorString);
  });

  test("the generator", () => {
    expect(publicShare(inputs, 1n)).toEqual(hex(vector.generator));
  });

  test("the public shares", () => {
    expect(publicShare(inputs, ya)).toEqual(a.share);
    expect(publicShare(inputs, yb)).toEqual(b.share);
  });

  test("the key, on both sides", () => {
    expect(intermediateKey(inputs, ya, a, b, b)).toEqual(hex(vector.key));
    expect(intermediateKey(inputs, yb, a, b, a)).toEqual(hex(vector.key));
  });
});

test.each([
  ["the neutral element", new Uint8Array(32)],
  ["an encoding that is not canonical", hex("ff".repeat(32))],
  ["too few bytes", new Uint8Array(31)],
  ["no bytes", new Uint8Array(0)],
])("%s as a share gives no key", (_, share) => {
  expect(intermediateKey(inputs, ya, a, { ...b, share }, { ...b, share })).toBeNull();
});

test.each([
  ["password", { password: utf8("Passwort") }],
  ["channel", { channel: utf8("other") }],
  ["session", { session: utf8("other") }],
])("another %s gives another key", (_, change) => {
  const other = { ...inputs, ...change };
  const theirs = { ...b, share: publicShare(other, yb) };
  const key = intermediateKey(inputs, ya, a, theirs, theirs);
  expect(key).not.toBeNull();
  expect(key).not.toEqual(intermediateKey(other, yb, a, theirs, a));
});

test("the two sides have different tags, which depend on the key", () => {
  const key = hex(vector.key);
  const tags = [
    confirmationTag(inputs, key, a),
    confirmationTag(inputs, key, b),
    confirmationTag(inputs, key, { ...a, data: b.data }),
    confirmationTag(inputs, key.toReversed(), a),
  ];
  expect(new Set(tags.map((tag) => tag.join())).size).toBe(4);
});

test("scalars have 252 bits, and even a multiple of the order is handled", () => {
  for (let count = 0; count < 50; count++) expect(sampleScalar() >> 252n).toBe(0n);
  expect(sampleScalar(hex("ff".repeat(32)))).toBe((1n << 252n) - 1n);
  expect(intermediateKey(inputs, ristretto255.Point.Fn.ORDER, a, b, b)).toBeNull();
});

test("lengths are LEB128", () => {
  expect(lvCat(utf8("1234"), utf8("5"), new Uint8Array(0))).toEqual(hex("0431323334013500"));
  expect(lvCat(new Uint8Array(300)).subarray(0, 2)).toEqual(hex("ac02"));
});
