/** The open connections, in total and of each address. */
import type { Socket } from "node:net";
import type { Limits } from "./limits.ts";
import { addressKey } from "./rate-limit.ts";

/** Before the first byte it is unknown whether the client speaks TLS; one that does fails to connect. */
const TOO_MANY =
  "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

export class Connections {
  readonly #limits: Pick<Limits, "connections" | "connectionsPerAddress">;
  readonly #open = new Set<Socket>();
  readonly #perAddress = new Map<string, number>();

  constructor(limits: Pick<Limits, "connections" | "connectionsPerAddress">) {
    this.#limits = limits;
  }

  /** False if there are too many; the connection then ends. */
  admit(socket: Socket): boolean {
    const address = addressKey(socket.remoteAddress);
    const count = this.#perAddress.get(address) ?? 0;
    const { connections, connectionsPerAddress } = this.#limits;
    if (this.#open.size >= connections || count >= connectionsPerAddress) {
      socket.on("error", () => socket.destroy());
      socket.end(TOO_MANY, () => socket.destroy());
      return false;
    }
    this.#open.add(socket);
    this.#perAddress.set(address, count + 1);
    socket.once("close", () => {
      this.#open.delete(socket);
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#perAddress.delete(address);
      else this.#perAddress.set(address, left);
    });
    return true;
  }

  closeAll(): void {
    for (const socket of this.#open) socket.destroy();
  }
}
