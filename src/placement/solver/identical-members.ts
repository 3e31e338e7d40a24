/** Members with identical numbers: the search needs to try them in one order only. */
import type { Instance } from "./instance.ts";

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
  for (const rows of [inst.prefix, inst.reach])
    for (let layer = 0; layer <= layerCount; layer++)
      if (rows[member * (layerCount + 1) + layer] !== rows[next * (layerCount + 1) + layer])
        return false;
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
