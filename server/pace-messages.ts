/** Reads a WebSocket no faster than its address may send: TCP then slows the sender down. */
import type { WebSocket } from "ws";
import type { RateLimit } from "./rate-limit.ts";

export function paceMessages(socket: WebSocket, limit: RateLimit, address: string): void {
  socket.on("message", () => {
    const waitMs = limit.spend(address);
    if (waitMs === 0 || socket.isPaused) return;
    socket.pause();
    setTimeout(() => socket.resume(), waitMs).unref();
  });
}
