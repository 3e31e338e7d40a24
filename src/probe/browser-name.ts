/** Name and major version of the browser, from its user-agent string. Pure. */

/** Tried in order: the user-agent string of each also contains the names after it. */
const PATTERNS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["Edge", /\bEdgA?\/(\d+)/],
  ["Opera", /\bOPR\/(\d+)/],
  ["Samsung Internet", /\bSamsungBrowser\/(\d+)/],
  ["Firefox", /\b(?:Firefox|FxiOS)\/(\d+)/],
  ["Chrome", /\bCriOS\/(\d+)/],
  ["Chromium", /\b(?:HeadlessChrome|Chromium|Chrome)\/(\d+)/],
  ["Safari", /\bVersion\/(\d+)[.\d]* (?:Mobile\/\S+ )?Safari\//],
];

/** Such as "Chromium 156"; "unknown browser" when nothing is recognized. */
export function browserName(userAgent: string): string {
  for (const [name, pattern] of PATTERNS) {
    const version = pattern.exec(userAgent)?.[1];
    if (version !== undefined) return `${name} ${version}`;
  }
  return "unknown browser";
}

/** A phone or tablet, whose memory is small and shared with everything else. */
export function isMobile(userAgent: string): boolean {
  return /\b(Android|iPhone|iPad|iPod|Mobile)\b/.test(userAgent);
}
