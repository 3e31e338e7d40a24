/**
 * Peers that do not run our code: plain PeerJS in a page of its own, which speaks the wire of
 * docs/protocol.md in a version that does not exist.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright";
import type { Peer as PeerClass } from "peerjs";
import { ROOT } from "./e2e-room.ts";

type PeerWindow = { readonly Peer: typeof PeerClass };

export type ForeignPeer = { readonly code: string; readonly protocol: number };

async function addPeerJs(page: Page): Promise<void> {
  // Not a script element: the page's Content-Security-Policy forbids inline scripts.
  const script = await readFile(join(ROOT, "node_modules/peerjs/dist/peerjs.min.js"), "utf8");
  await page.evaluate(`${script}\n;0`);
}

/**
 * Looks a room up, then greets its coordinator as a member of another version would. Returns the
 * answer of the look-up and the coordinator's `bye`.
 */
export async function lookUpAndGreet(page: Page, foreign: ForeignPeer) {
  await addPeerJs(page);
  return page.evaluate(async ({ code, protocol }) => {
    const { Peer } = window as unknown as PeerWindow;
    const self = `foreign-${Date.now()}`;
    const server = { host: location.hostname, port: Number(location.port), path: "/peerjs" };
    const peer = new Peer(self, { ...server, config: { iceServers: [] } });
    await new Promise((resolve, reject) => peer.on("open", resolve).on("error", reject));
    const lookUp = peer.connect(`tabmesh-${code}`, { serialization: "raw" });
    const answer = JSON.parse(
      await new Promise<string>((resolve) => lookUp.on("data", (data) => resolve(String(data)))),
    ) as { protocol: number; coordinator: string };
    const link = peer.connect(answer.coordinator, { serialization: "raw", reliable: true });
    const control = link.peerConnection.createDataChannel("tabmesh-control", {
      negotiated: true,
      id: 10,
    });
    control.binaryType = "arraybuffer";
    const received: { type: string }[] = [];
    const farewell = await new Promise<unknown>((resolve, reject) => {
      control.onmessage = ({ data }) => {
        const text = new TextDecoder().decode(data as ArrayBuffer);
        const message = JSON.parse(text.slice(text.indexOf("{"))) as { type: string };
        received.push(message);
        if (message.type === "bye") resolve(message);
      };
      control.onclose = () => reject(new Error(`closed after ${JSON.stringify(received)}`));
      control.onopen = () => {
        const hello = { type: "hello", protocol, member: self };
        // A leading 0: a message in one slice.
        control.send(new TextEncoder().encode(`\0${JSON.stringify(hello)}`));
      };
    });
    peer.destroy();
    return { answer, farewell };
  }, foreign);
}

/** Claims a room's code and answers look-ups: the room speaks `protocol`. */
export async function claimRoom(
  page: Page,
  foreign: ForeignPeer,
): Promise<{ release(): Promise<void> }> {
  await addPeerJs(page);
  await page.evaluate(async ({ code, protocol }) => {
    const { Peer } = window as unknown as PeerWindow;
    const server = { host: location.hostname, port: Number(location.port), path: "/peerjs" };
    const peer = new Peer(`tabmesh-${code}`, { ...server, config: { iceServers: [] } });
    await new Promise((resolve, reject) => peer.on("open", resolve).on("error", reject));
    const answer = JSON.stringify({ protocol, coordinator: "somebody" });
    peer.on("connection", (connection) => {
      connection.on("open", () => void connection.send(answer));
    });
    Object.assign(window, { releaseRoom: () => peer.destroy() });
  }, foreign);
  return {
    release: () =>
      page.evaluate(() => (window as unknown as { releaseRoom(): void }).releaseRoom()),
  };
}
