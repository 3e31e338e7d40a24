/**
 * What a member may claim of its speed. A probe's numbers come from the member itself, so they count at
 * most as what the best hardware of its class can do; laps correct the rest (docs/placement.md).
 *
 *   copy        memory bandwidth: 10 TB/s of the fastest accelerators, 1 TB/s of a server's CPU
 *   mat-vec     half a byte per weight at that bandwidth
 *   mat-mul     2,000 TFLOPS of matrix units, 20 of a CPU's vectors
 *   dispatch    0.2 us; readback 10 us
 */
import type { Adapter, Measurements } from "../../shared/index.ts";

const HARDWARE = { copyBytesPerMs: 1e10, matVecMacsPerMs: 2e10, matMulMacsPerMs: 1e12 };
const SOFTWARE = { copyBytesPerMs: 1e9, matVecMacsPerMs: 2e9, matMulMacsPerMs: 1e10 };
const MIN_DISPATCH_MS = 2e-4;
const MIN_READBACK_MS = 0.01;

export function plausible(
  measurements: Measurements,
  { software }: Pick<Adapter, "software">,
): Measurements {
  const most = software ? SOFTWARE : HARDWARE;
  return {
    ...measurements,
    copyBytesPerMs: Math.min(measurements.copyBytesPerMs, most.copyBytesPerMs),
    matVecMacsPerMs: Math.min(measurements.matVecMacsPerMs, most.matVecMacsPerMs),
    matMulMacsPerMs: Math.min(measurements.matMulMacsPerMs, most.matMulMacsPerMs),
    dispatchMs: Math.max(measurements.dispatchMs, MIN_DISPATCH_MS),
    readbackMs: Math.max(measurements.readbackMs, MIN_READBACK_MS),
  };
}
