/** Properties of an instance that let the search skip cases without losing an optimum. */
import type { Instance } from "./instance.ts";

/**
 * For each member, 1 if skipping any stage after it never costs more: each direct hop costs at most
 * the detour through another member, with its overhead (triangle inequality). Then more layers done
 * at a lower cost dominates. 0 for all members if one is required, since it may not be skipped.
 */
export function skipSafety(inst: Instance): Uint8Array {
  const { memberCount, hop, stage } = inst;
  const safe = new Uint8Array(memberCount).fill(inst.required.includes(1) ? 0 : 1);
  for (let member = 0; member < memberCount; member++)
    for (let next = 0; next < memberCount && safe[member] === 1; next++) {
      if (next === member) continue;
      const way = hop[member * memberCount + next]! + stage[next]!;
      if (way === Infinity) continue;
      for (let third = 0; third < memberCount; third++) {
        if (
          third === member ||
          third === next ||
          hop[member * memberCount + third]! <= way + hop[next * memberCount + third]!
        )
          continue;
        safe[member] = 0;
        break;
      }
    }
  return safe;
}

/** For each member, the last member before it with identical numbers, or -1. */
export function identicalMembers(inst: Instance): Int32Array {
  const before = new Int32Array(inst.memberCount).fill(-1);
  for (let member = 1; member < inst.memberCount; member++)
    for (let next = member - 1; next >= 0 && before[member]! < 0; next--)
      if (areAlike(inst, member, next)) before[member] = next;
  return before;
}

function areAlike(inst: Instance, member: number, next: number): boolean {
  const { memberCount, layerCount } = inst;
  if (inst.fixed[member] === 1 || inst.fixed[next] === 1) return false;
  for (const each of [
    inst.stage,
    inst.embed,
    inst.head,
    inst.firstEnd,
    inst.lastStart,
    inst.single,
    inst.required,
  ])
    if (each[member] !== each[next]) return false;
  for (let layer = 0; layer < layerCount; layer++) {
    if (inst.layerCost[member * layerCount + layer] !== inst.layerCost[next * layerCount + layer])
      return false;
    if (
      inst.reach[member * (layerCount + 1) + layer] !== inst.reach[next * (layerCount + 1) + layer]
    )
      return false;
  }
  for (const pairs of [inst.hop, inst.close]) {
    if (pairs[member * memberCount + next] !== pairs[next * memberCount + member]) return false;
    for (let third = 0; third < memberCount; third++) {
      if (third === member || third === next) continue;
      if (
        pairs[member * memberCount + third] !== pairs[next * memberCount + third] ||
        pairs[third * memberCount + member] !== pairs[third * memberCount + next]
      )
        return false;
    }
  }
  return true;
}
