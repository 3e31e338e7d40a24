/** What every `Transport` must do, whatever carries its bytes. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MeshError } from "../../src/mesh/mesh-error.ts";
import { peerReaders, serveBytes, type ReadRange } from "../../src/mesh/peer-bytes.ts";
import type { Transport } from "../../src/mesh/transport.ts";
import { MemberId } from "../../src/shared/ids.ts";

/** Resolves with the next `count` events, each as the list of what the listener was given. */
export function nextEvents<Values extends unknown[]>(
  on: (listener: (...values: Values) => void) => () => void,
  count = 1,
): Promise<Values[]> {
  return new Promise((resolve) => {
    const events: Values[] = [];
    const off = on((...values) => {
      events.push(values);
      if (events.length < count) return;
      off();
      resolve(events);
    });
  });
}

function numbered(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => (index * 31) % 251);
}

/** `pair` makes two members that can find each other and are not connected. */
export function transportSuite(name: string, pair: () => Promise<[Transport, Transport]>): void {
  describe(`${name} transport`, () => {
    let a: Transport;
    let b: Transport;
    beforeEach(async () => {
      [a, b] = await pair();
    });
    afterEach(() => {
      a.close();
      b.close();
    });

    test("connects, and both sides know", async () => {
      const connected = Promise.all([
        nextEvents(a.events.onConnect),
        nextEvents(b.events.onConnect),
      ]);
      await a.connect(b.self);
      expect(await connected).toEqual([[[b.self]], [[a.self]]]);
      await a.connect(b.self);
      expect(a.connectedPeers()).toEqual([b.self]);
      expect(b.connectedPeers()).toEqual([a.self]);
    });

    test("both may call at once, and end with one connection", async () => {
      await Promise.all([a.connect(b.self), b.connect(a.self)]);
      const received = Promise.all([
        nextEvents(a.events.onMessage),
        nextEvents(b.events.onMessage),
      ]);
      await Promise.all([a.send(b.self, "from a"), b.send(a.self, "from b")]);
      expect(await received).toEqual([[[b.self, "from b"]], [[a.self, "from a"]]]);
    });

    test("messages arrive in order and as they were, large ones too", async () => {
      await a.connect(b.self);
      const messages = [{ index: 0, nested: [null, "ü😀"] }, "x".repeat(2_000_000), 3, []];
      const received = nextEvents(b.events.onMessage, messages.length);
      for (const message of messages) await a.send(b.self, message);
      expect(await received).toEqual(messages.map((message) => [a.self, message]));
    });

    test("bulk bytes arrive as they were, both ways", async () => {
      await a.connect(b.self);
      const [toA, toB] = [numbered(1_000_003), numbered(5)];
      const received = Promise.all([nextEvents(a.events.onBytes), nextEvents(b.events.onBytes)]);
      await Promise.all([b.sendBytes(a.self, toA), a.sendBytes(b.self, toB)]);
      const [[atA], [atB]] = await received;
      expect(atA![1].every((value, index) => value === toA[index])).toBe(true);
      expect(atA![1]).toHaveLength(toA.length);
      expect(atB).toEqual([a.self, toB]);
    });

    test("a removed listener is not called", async () => {
      await a.connect(b.self);
      const heard: unknown[] = [];
      const off = b.events.onMessage((_, message) => heard.push(message));
      off();
      const second = nextEvents(b.events.onMessage);
      await a.send(b.self, 1);
      await second;
      expect(heard).toEqual([]);
    });

    test("disconnecting gives both sides the cause, and connecting works again", async () => {
      await a.connect(b.self);
      const gone = Promise.all([
        nextEvents(a.events.onDisconnect),
        nextEvents(b.events.onDisconnect),
      ]);
      a.disconnect(b.self);
      const [[atA], [atB]] = await gone;
      expect(atA![0]).toBe(b.self);
      expect(atA![1]).toEqual({ reason: "closed_by_this_tab" });
      expect(atB).toEqual([a.self, { reason: "closed_by_peer" }]);
      expect(b.connectedPeers()).toEqual([]);
      await expect(b.send(a.self, 1)).rejects.toMatchObject({
        failure: { reason: "not_connected", peer: a.self },
      });
      await b.connect(a.self);
      const received = nextEvents(a.events.onMessage);
      await b.send(a.self, "again");
      expect(await received).toEqual([[b.self, "again"]]);
    });

    test("closing tells the other side", async () => {
      await a.connect(b.self);
      const gone = nextEvents(b.events.onDisconnect);
      a.close();
      expect((await gone)[0]![0]).toBe(a.self);
    });

    test("connecting to a tab that does not exist rejects", async () => {
      const nobody = MemberId.parse(`nobody-${crypto.randomUUID()}`);
      const error: unknown = await a.connect(nobody).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(MeshError);
      expect(error).toMatchObject({ failure: { reason: "no_such_peer", peer: nobody } });
      await expect(a.send(nobody, 1)).rejects.toMatchObject({
        failure: { reason: "not_connected", peer: nobody },
      });
    });

    describe("ranges of a peer's file", () => {
      const file = numbered(9_000_000);
      const readFile: ReadRange = (offset, length) =>
        offset + length > file.length
          ? Promise.reject(new Error(`past the end, ${file.length}`))
          : Promise.resolve(file.slice(offset, offset + length));

      test("are the file's bytes, also when longer than one message", async () => {
        serveBytes(a, (key) => (key === "model.gguf" ? readFile : null));
        await b.connect(a.self);
        const reader = peerReaders(b)(a.self, "model.gguf");
        const ranges = [
          [0, 10] as const,
          [1, 8_000_000] as const,
          [8_999_999, 1] as const,
          [7, 0] as const,
        ];
        const found = await Promise.all(ranges.map(([at, length]) => reader.read(at, length)));
        for (const [index, [at, length]] of ranges.entries()) {
          expect(found[index]).toHaveLength(length);
          expect(found[index]!.every((value, byte) => value === file[at + byte])).toBe(true);
        }
      });

      test("a refusal comes back as data", async () => {
        serveBytes(a, (key) => (key === "model.gguf" ? readFile : null));
        await b.connect(a.self);
        const past = peerReaders(b)(a.self, "model.gguf").read(9_000_000, 1);
        await expect(past).rejects.toMatchObject({
          failure: {
            reason: "peer_read_failed",
            peer: a.self,
            file: "model.gguf",
            cause: { reason: "unexpected", detail: "past the end, 9000000" },
          },
        });
        const unknown = peerReaders(b)(a.self, "other.gguf").read(0, 1);
        await expect(unknown).rejects.toMatchObject({
          failure: { reason: "peer_has_no_file", peer: a.self, file: "other.gguf" },
        });
      });

      test("a read rejects when the peer leaves", async () => {
        serveBytes(a, () => () => new Promise(() => undefined));
        await b.connect(a.self);
        const read = peerReaders(b)(a.self, "model.gguf").read(0, 1);
        const ended = expect(read).rejects.toMatchObject({
          failure: { reason: "peer_read_interrupted", cause: { reason: "closed_by_peer" } },
        });
        a.disconnect(b.self);
        await ended;
      });

      test("a malformed request closes the connection", async () => {
        serveBytes(a, () => readFile);
        await b.connect(a.self);
        const gone = nextEvents(b.events.onDisconnect);
        await b.sendBytes(a.self, Uint8Array.of(0, 1, 2));
        expect((await gone)[0]![0]).toBe(a.self);
      });
    });
  });
}
