/** Coalesces updates: at most one per animation frame, always with the latest value. */
export function perFrame<T>(show: (value: T) => void): (value: T) => void {
  let latest: T;
  let isScheduled = false;
  return (value) => {
    latest = value;
    // A hidden page has no animation frames.
    if (document.hidden) return show(value);
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(() => {
      isScheduled = false;
      show(latest);
    });
  };
}
