/**
 * Keeps this machine awake while the room answers. A browser gives the lock to visible tabs only and
 * takes it back when the tab is hidden, so it is requested again when the tab is shown.
 */
import type { RoomState } from "../shared/index.ts";

/** The part of the browser that is used; `wakeLock` is missing in insecure contexts and old browsers. */
export type WakeLockScope = {
  readonly navigator: {
    readonly wakeLock?: {
      request(type: "screen"): Promise<{ release(): Promise<void>; readonly released: boolean }>;
    };
  };
  readonly document: Pick<Document, "visibilityState" | "addEventListener" | "removeEventListener">;
};

export type AnsweringRoom = {
  readonly state: Pick<RoomState, "generations">;
  subscribe(listener: () => void): () => void;
};

type Lock = Awaited<ReturnType<NonNullable<WakeLockScope["navigator"]["wakeLock"]>["request"]>>;

/** Returns a function that ends it. */
export function keepAwake(
  room: AnsweringRoom,
  { navigator, document }: WakeLockScope = globalThis,
): () => void {
  let lock: Lock | null = null;
  let requesting = false;
  let ended = false;
  const isWanted = () =>
    !ended && room.state.generations.some(({ status }) => status === "running");
  const look = async (): Promise<void> => {
    if (requesting) return;
    if (lock?.released === true) lock = null;
    if (!isWanted()) {
      const held = lock;
      lock = null;
      await held?.release().catch(() => undefined);
      return;
    }
    if (lock !== null || document.visibilityState !== "visible") return;
    requesting = true;
    // A battery saver may refuse: then the machine sleeps as it would without this room.
    lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
    requesting = false;
    if (!isWanted()) await look();
  };
  const onChange = () => void look();
  const off = room.subscribe(onChange);
  document.addEventListener("visibilitychange", onChange);
  onChange();
  return () => {
    ended = true;
    off();
    document.removeEventListener("visibilitychange", onChange);
    onChange();
  };
}
