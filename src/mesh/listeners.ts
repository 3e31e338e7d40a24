/** A set of listeners, and the events of a transport made of such sets. */
import type { CloseFailure, MemberId } from "../shared/index.ts";

export class Listeners<Arguments extends unknown[]> {
  readonly #listeners = new Set<(...values: Arguments) => void>();

  /** Returns the function that removes the listener. */
  readonly add = (listener: (...values: Arguments) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  emit(...values: Arguments): void {
    for (const listener of [...this.#listeners]) listener(...values);
  }
}

export class TransportListeners {
  readonly connect = new Listeners<[peer: MemberId]>();
  readonly disconnect = new Listeners<[peer: MemberId, cause: CloseFailure]>();
  readonly refuse = new Listeners<[peer: MemberId, cause: CloseFailure]>();
  readonly message = new Listeners<[peer: MemberId, message: unknown]>();
  readonly bytes = new Listeners<[peer: MemberId, bytes: Uint8Array<ArrayBuffer>]>();
  readonly onConnect = this.connect.add;
  readonly onDisconnect = this.disconnect.add;
  /** A peer that called did not get through the handshake. */
  readonly onRefuse = this.refuse.add;
  /** The message is unchecked: the listener parses it with zod, once. */
  readonly onMessage = this.message.add;
  readonly onBytes = this.bytes.add;
}
