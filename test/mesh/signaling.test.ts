/** The registration at the signaling server: a loss is reported once, and so is its end. */
import { EventEmitter } from "node:events";
import type { Peer } from "peerjs";
import { afterEach, expect, test, vi } from "vitest";
import { keepRegistered } from "../../src/mesh/signaling.ts";

/** The part of a `Peer` that is used. */
class FakePeer extends EventEmitter {
  destroyed = false;
  disconnected = false;
  reconnects = 0;

  lose(): void {
    this.disconnected = true;
    this.emit("disconnected");
  }
  reconnect(): void {
    this.reconnects += 1;
    this.disconnected = false;
  }
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function open() {
  vi.useFakeTimers();
  vi.stubGlobal("addEventListener", () => undefined);
  vi.stubGlobal("removeEventListener", () => undefined);
  const peer = new FakePeer();
  const news: boolean[] = [];
  const stop = keepRegistered(peer as unknown as Peer, (registered) => news.push(registered));
  return { peer, news, stop };
}

test("a restart of the server is not reported; a lasting loss and its end are", () => {
  const { peer, news, stop } = open();
  peer.lose();
  vi.advanceTimersByTime(10_000);
  peer.emit("open");
  expect(news).toEqual([]);
  for (let attempt = 0; attempt < 4; attempt += 1) {
    peer.lose();
    vi.advanceTimersByTime(10_000);
  }
  expect(peer.reconnects).toBe(5);
  expect(news).toEqual([false]);
  peer.emit("open");
  expect(news).toEqual([false, true]);
  stop();
});

test("a tab that leaves neither registers again nor reports a loss", () => {
  const { peer, news, stop } = open();
  stop();
  for (let attempt = 0; attempt < 4; attempt += 1) {
    peer.lose();
    vi.advanceTimersByTime(10_000);
  }
  expect(peer.reconnects).toBe(0);
  expect(news).toEqual([]);
});
