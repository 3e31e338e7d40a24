/**
 * Collects and reports this tab's device state at the interval of the room's settings.
 * One report at a time: a slow coordinator gets fewer reports, not a queue of them.
 */
import type { DeviceState } from "../../shared/index.ts";
import type { RoomAccess } from "../membership/room-access.ts";

export class TelemetryReporter {
  readonly #room: RoomAccess;
  readonly #collect: () => Promise<DeviceState>;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #stopped = false;

  constructor(room: RoomAccess, collect: () => Promise<DeviceState>) {
    this.#room = room;
    this.#collect = collect;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(
      () => void this.#report(),
      this.#room.state.settings.telemetryIntervalMs,
    );
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
