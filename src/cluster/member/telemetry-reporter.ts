/**
 * Collects and reports this tab's device state at the interval of the room's settings.
 * One report at a time: a slow coordinator gets fewer reports, not a queue of them.
 */
import type { Clock, DeviceState } from "../../shared/index.ts";
import type { RoomAccess } from "../membership/room-access.ts";

export class TelemetryReporter {
  readonly #room: RoomAccess;
  readonly #collect: () => Promise<DeviceState>;
  readonly #clock: Clock;
  #cancelTimer = () => undefined as void;
  #stopped = false;

  constructor(room: RoomAccess, collect: () => Promise<DeviceState>, clock: Clock) {
    this.#room = room;
    this.#collect = collect;
    this.#clock = clock;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer();
  }

  #schedule(): void {
    if (this.#stopped) return;
    const { telemetryIntervalMs } = this.#room.state.settings;
    this.#cancelTimer = this.#clock.after(telemetryIntervalMs, () => void this.#report());
  }

  async #report(): Promise<void> {
    try {
      const device = await this.#collect();
      if (!this.#stopped) await this.#room.command({ type: "report_device_state", device });
    } catch {
      // The next sample is due soon, and the age of the old one is visible.
    } finally {
      this.#schedule();
    }
  }
}
