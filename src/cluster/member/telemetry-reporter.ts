/**
 * Collects and reports this tab's device state at the interval of the room's settings.
 * One report at a time: a slow coordinator gets fewer reports, not a queue of them.
 */
import type { Clock, DeviceState } from "../../shared/index.ts";
import { isEvent, type RoomAccess } from "../membership/room-access.ts";

/** Returns a function that ends it. */
export function reportDeviceState(
  room: RoomAccess,
  collect: () => Promise<DeviceState>,
  clock: Clock,
): () => void {
  let cancelTimer = () => undefined as void;
  let reporting = false;
  let stopped = false;

  const schedule = () => {
    if (stopped || reporting) return;
    cancelTimer();
    cancelTimer = clock.after(room.state.settings.telemetryIntervalMs, () => void report());
  };

  const report = async () => {
    reporting = true;
    try {
      const device = await collect();
      if (!stopped) await room.dispatch({ type: "report_device_state", device });
    } catch {
      // The next sample is due soon, and the age of the old one is visible.
    }
    reporting = false;
    schedule();
  };

  // A shorter interval counts at once, not after the old one.
  const unsubscribe = room.subscribe((change) => {
    if (isEvent(change, "settings_changed")) schedule();
  });
  schedule();
  return () => {
    stopped = true;
    cancelTimer();
    unsubscribe();
  };
}
