/** How far the engine's kernels may be from their references, and why. */
import type { Tolerance } from "./tolerances.ts";

/**
 * Keys and values are rounded to f16 from f32 sums; where the kernel's f32 lies on the
 * other side of a rounding border than the reference's f64, one of them differs by 2^-11.
 */
export const F16_CACHE_TOLERANCE: Tolerance = { relative: 5e-4, absolute: 1e-5 };
