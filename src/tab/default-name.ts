/** What a tab is called in a room until a person names it. */
import type { Adapter } from "../shared/index.ts";

const PLATFORMS = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "CrOS", "Linux"];

/** After the browser and the platform; two tabs of one browser propose the same. */
export function defaultName(adapter: Pick<Adapter, "browser"> | null, userAgent: string): string {
  const found = PLATFORMS.find((platform) => userAgent.includes(platform)) ?? "this machine";
  const platform = { "Mac OS": "macOS", CrOS: "ChromeOS" }[found] ?? found;
  return `${adapter?.browser ?? "A tab"} on ${platform}`;
}
