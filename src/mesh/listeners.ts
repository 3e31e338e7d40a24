/** A set of listeners, and the events of a transport made of such sets. */
import type { TransportEvents } from "./transport.ts";

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

type ArgumentsOf<Event extends keyof TransportEvents> = Parameters<
  Parameters<TransportEvents[Event]>[0]
>;

export class TransportListeners implements TransportEvents {
  readonly connect = new Listeners<ArgumentsOf<"onConnect">>();
  readonly disconnect = new Listeners<ArgumentsOf<"onDisconnect">>();
  readonly refuse = new Listeners<ArgumentsOf<"onRefuse">>();
  readonly message = new Listeners<ArgumentsOf<"onMessage">>();
  readonly bytes = new Listeners<ArgumentsOf<"onBytes">>();
  readonly onConnect = this.connect.add;
  readonly onDisconnect = this.disconnect.add;
  readonly onRefuse = this.refuse.add;
  readonly onMessage = this.message.add;
  readonly onBytes = this.bytes.add;
}
