/**
 * A color for each member, so that its layers, its bar, and its row are recognized as
 * its own. Color is never the only cue: names and numbers are shown too.
 */
import type { MemberId } from "../shared/index.ts";

/** Hues in degrees, ordered so that successive ones are far apart on the wheel. */
const HUES = [172, 42, 262, 352, 112, 222, 72, 312, 142, 17, 242, 92, 332, 197, 57, 287] as const;

/** A CSS color. A member has the same color on every tab, and keeps it when others leave. */
export function memberColor(
  members: readonly { readonly id: MemberId; readonly color: number }[],
  id: MemberId,
): string {
  const index = members.find((member) => member.id === id)?.color;
  if (index === undefined) return "var(--line-strong)";
  const hue = HUES[index % HUES.length]!;
  // Further members get paler colors, so that member 17 differs from member 1.
  const chroma = index < HUES.length ? 0.125 : 0.06;
  return `oklch(var(--member-lightness) ${chroma} ${hue})`;
}
