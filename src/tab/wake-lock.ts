/**
 * Keeps this machine awake while the room answers. A browser gives the lock to visible tabs only and
 * takes it back when the tab is hidden, so it is requested again when the tab is shown.
 */
import type { RoomState } from "../shared/index.ts";

type WakeLock = { release(): Promise<void>; readonly released: boolean };

/** The part of the browser that is used; `wakeLock` is missing in insecure contexts and old browsers. */
export type WakeLockScope = {
  readonly navigator: {
    readonly wakeLock?: { request(type: "screen"): Promise<WakeLock> };
  };
  readonly document: Pick<Document, "visibilityState" | "addEventListener" | "removeEventListener">;
};

export type AnsweringRoom = {
  readonly state: Pick<RoomState, "generations">;
  subscribe(listener: () => void): () => void;
};

/** Returns a function that ends it. */
export function keepAwake(
  room: AnsweringRoom,
  { navigator, document }: WakeLockScope = globalThis,
): () => void {
  let lock: WakeLock | null = null;
  let ended = false;
  let looked: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    const isWanted = !ended && room.state.generations.some(({ status }) => status === "running");
    if (!isWanted) {
      await lock?.release().catch(() => undefined);
      lock = null;
    } else if (lock?.released !== false && document.visibilityState === "visible")
      // A battery saver may refuse: then the machine sleeps as it would without this room.
      lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
  };
  /** One look after another: a change during a request counts after it. */
  const onChange = () => void (looked = looked.then(look));
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
