/**
 * Collects and reports this tab's device state at the interval of the room's settings.
 * One report at a time: a slow coordinator gets fewer reports, not a queue of them.
 */
import type { Clock, DeviceState } from "../../shared/index.ts";
import { isEvent, type RoomAccess } from "../membership/room-access.ts";

export class TelemetryReporter {
  readonly #room: RoomAccess;
  readonly #collect: () => Promise<DeviceState>;
  readonly #clock: Clock;
  readonly #unsubscribe: () => void;
  #cancelTimer = () => undefined as void;
  #reporting = false;
  #stopped = false;

  constructor(room: RoomAccess, collect: () => Promise<DeviceState>, clock: Clock) {
    this.#room = room;
    this.#collect = collect;
    this.#clock = clock;
    // A shorter interval counts at once, not after the old one.
    this.#unsubscribe = room.subscribe((change) => {
      if (isEvent(change, "settings_changed")) this.#schedule();
    });
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer();
    this.#unsubscribe();
  }

  #schedule(): void {
    if (this.#stopped || this.#reporting) return;
    const { telemetryIntervalMs } = this.#room.state.settings;
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(telemetryIntervalMs, () => void this.#report());
  }

  async #report(): Promise<void> {
    this.#reporting = true;
    try {
      const device = await this.#collect();
      if (!this.#stopped) await this.#room.command({ type: "report_device_state", device });
    } catch {
      // The next sample is due soon, and the age of the old one is visible.
    } finally {
      this.#reporting = false;
      this.#schedule();
    }
  }
}
