/**
 * Collects and reports this tab's device state at the interval of the room's settings.
 * One report at a time: a slow coordinator gets fewer reports, not a queue of them.
 */
import type { Clock, DeviceState } from "../../shared/index.ts";
import { isEvent, type RoomAccess } from "../membership/room-access.ts";

/** Until the room is lost. */
export function reportDeviceState(
  room: RoomAccess,
  collect: () => Promise<DeviceState>,
  clock: Clock,
): void {
  let cancelTimer = () => undefined as void;
  let reporting = false;

  const schedule = () => {
    cancelTimer();
    if (reporting || room.connection === "lost") return;
    cancelTimer = clock.after(room.state.settings.telemetryIntervalMs, () => void report());
  };

  const report = async () => {
    reporting = true;
    await collect()
      .then((device) => room.dispatch({ type: "report_device_state", device }))
      // The next sample is due soon, and the age of the old one is visible.
      .catch(() => undefined);
    reporting = false;
    schedule();
  };

  room.subscribe((change) => {
    // A shorter interval counts at once, not after the old one.
    if (isEvent(change, "settings_changed") || room.connection === "lost") schedule();
  });
  schedule();
}
