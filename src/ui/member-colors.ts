/**
 * A hue for each member, so that its layers, its bar and its row are seen to
 * belong together. Colour is never the only sign: names and numbers stand beside it.
 */
import type { MemberId } from "../shared/index.ts";

/** Hues in degrees, ordered so that neighbours in a list are far apart on the wheel. */
const HUES = [172, 42, 262, 352, 112, 222, 72, 312, 142, 17, 242, 92, 332, 197, 57, 287] as const;

/**
 * @param members the room's members in the state's order, which every tab shares
 * @returns a CSS colour; the same member has the same colour on every tab
 */
export function memberColor(members: readonly { id: MemberId }[], id: MemberId): string {
  const index = members.findIndex((member) => member.id === id);
  if (index < 0) return "var(--line-strong)";
  const hue = HUES[index % HUES.length]!;
  // A second round of the wheel is paler, so that member 17 is not taken for member 1.
  const chroma = index < HUES.length ? 0.125 : 0.06;
  return `oklch(var(--member-lightness) ${chroma} ${hue})`;
}
