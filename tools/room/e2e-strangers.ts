/**
 * Tabs that do not run our code: plain PeerJS in a page of its own, speaking the
 * wire as docs/protocol.md has it, in a version that there is not.
 */
import { join } from "node:path";
import type { Page } from "playwright";
import type { Peer as PeerClass } from "peerjs";
import { ROOT } from "./e2e-room.ts";

type StrangerWindow = { readonly Peer: typeof PeerClass };

export type Stranger = { readonly code: string; readonly protocol: number };

async function addPeerJs(page: Page): Promise<void> {
  await page.addScriptTag({ path: join(ROOT, "node_modules/peerjs/dist/peerjs.min.js") });
}

/** Knocks at a room's door, then greets its coordinator as a member of another version would. */
export async function greet(page: Page, stranger: Stranger) {
  await addPeerJs(page);
  return page.evaluate(async ({ code, protocol }) => {
    const { Peer } = window as unknown as StrangerWindow;
    const self = `stranger-${Date.now()}`;
    const server = { host: location.hostname, port: Number(location.port), path: "/peerjs" };
    const peer = new Peer(self, { ...server, config: { iceServers: [] } });
    await new Promise((resolve, reject) => peer.on("open", resolve).on("error", reject));
    const knock = peer.connect(`tabmesh-${code}`, { serialization: "raw" });
    const answer = JSON.parse(
      await new Promise<string>((resolve) => knock.on("data", (data) => resolve(String(data)))),
    ) as { protocol: number; coordinator: string };
    const link = peer.connect(answer.coordinator, { serialization: "raw", reliable: true });
    const control = link.peerConnection.createDataChannel("tabmesh-control", {
      negotiated: true,
      id: 10,
    });
    control.binaryType = "arraybuffer";
    const heard: { type: string; reason?: string }[] = [];
    const farewell = await new Promise<{ type: string; reason: string }>((resolve, reject) => {
      control.onmessage = ({ data }) => {
        const text = new TextDecoder().decode(data as ArrayBuffer);
        const message = JSON.parse(text.slice(text.indexOf("{"))) as (typeof heard)[number];
        heard.push(message);
        if (message.type === "bye") resolve({ type: "bye", reason: message.reason ?? "" });
      };
      control.onclose = () => reject(new Error(`closed after ${JSON.stringify(heard)}`));
      control.onopen = () => {
        const hello = { type: "hello", protocol, member: self };
        // A leading 0: a message that is whole.
        control.send(new TextEncoder().encode(`\0${JSON.stringify(hello)}`));
      };
    });
    peer.destroy();
    return { answer, farewell };
  }, stranger);
}

export type OpenedDoor = { close(): Promise<void> };

/** Holds a room's door and tells whoever knocks that the room speaks `protocol`. */
export async function openDoor(page: Page, stranger: Stranger): Promise<OpenedDoor> {
  await addPeerJs(page);
  await page.evaluate(async ({ code, protocol }) => {
    const { Peer } = window as unknown as StrangerWindow;
    const server = { host: location.hostname, port: Number(location.port), path: "/peerjs" };
    const peer = new Peer(`tabmesh-${code}`, { ...server, config: { iceServers: [] } });
    await new Promise((resolve, reject) => peer.on("open", resolve).on("error", reject));
    const answer = JSON.stringify({ protocol, coordinator: "somebody" });
    peer.on("connection", (connection) => {
      connection.on("open", () => void connection.send(answer));
    });
    Object.assign(window, { closeDoor: () => peer.destroy() });
  }, stranger);
  return {
    close: () => page.evaluate(() => (window as unknown as { closeDoor(): void }).closeDoor()),
  };
}
