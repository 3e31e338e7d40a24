/** Facts about an instance that let the search leave things out without losing an optimum. */
import type { Instance } from "./instance.ts";

/**
 * For each member d whether leaving out any stage after d never costs more: every
 * direct hop is at most the way round through a third member and its overhead.
 * Then more layers done at a lower cost is always better. False everywhere when a
 * member must take part, since it may not be left out.
 */
export function skipSafety(inst: Instance): Uint8Array {
  const { n, hop, stage } = inst;
  const safe = new Uint8Array(n).fill(inst.required.includes(1) ? 0 : 1);
  for (let d = 0; d < n; d++)
    for (let e = 0; e < n && safe[d] === 1; e++) {
      if (e === d) continue;
      const way = hop[d * n + e]! + stage[e]!;
      if (way === Infinity) continue;
      for (let g = 0; g < n; g++) {
        if (g === d || g === e || hop[d * n + g]! <= way + hop[e * n + g]!) continue;
        safe[d] = 0;
        break;
      }
    }
  return safe;
}

/** For each member the last one before it that is exactly like it, or -1. */
export function twins(inst: Instance): Int32Array {
  const before = new Int32Array(inst.n).fill(-1);
  for (let d = 1; d < inst.n; d++)
    for (let e = d - 1; e >= 0 && before[d]! < 0; e--) if (areAlike(inst, d, e)) before[d] = e;
  return before;
}

function areAlike(inst: Instance, d: number, e: number): boolean {
  const { n, L } = inst;
  if (inst.fixed[d] === 1 || inst.fixed[e] === 1) return false;
  for (const each of [
    inst.stage,
    inst.embed,
    inst.head,
    inst.firstEnd,
    inst.lastStart,
    inst.single,
    inst.required,
  ])
    if (each[d] !== each[e]) return false;
  for (let l = 0; l < L; l++) {
    if (inst.layer[d * L + l] !== inst.layer[e * L + l]) return false;
    if (inst.reach[d * (L + 1) + l] !== inst.reach[e * (L + 1) + l]) return false;
  }
  for (const pairs of [inst.hop, inst.close]) {
    if (pairs[d * n + e] !== pairs[e * n + d]) return false;
    for (let g = 0; g < n; g++) {
      if (g === d || g === e) continue;
      if (pairs[d * n + g] !== pairs[e * n + g] || pairs[g * n + d] !== pairs[g * n + e])
        return false;
    }
  }
  return true;
}
