/**
 * The two real browsers that tests, the demo, and the bench drive: where they are, and the
 * flags that give them a WebGPU adapter of the chosen kind (adapter-choice.ts).
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer, { type Browser } from "puppeteer-core";
import { ADAPTER, chromiumAdapterFlags, firefoxEnvironment } from "./adapter-choice.ts";

function firstExisting(variable: string, candidates: readonly string[]): string {
  const named = process.env[variable];
  if (named !== undefined) return named;
  return candidates.find((path) => existsSync(path)) ?? candidates[0]!;
}

export const CHROMIUM_PATH = firstExisting("CHROMIUM_PATH", [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
]);

export const FIREFOX_PATH = firstExisting("FIREFOX_PATH", [
  "/usr/bin/firefox-esr",
  "/usr/bin/firefox",
]);

export const CHROMIUM_WEBGPU_FLAGS = [
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  ...chromiumAdapterFlags(ADAPTER.kind),
  "--disable-background-networking",
  "--disable-component-update",
  "--no-first-run",
  // A hidden or covered tab must not be throttled: each test tab represents a machine.
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  // Without it a local page's ICE candidates are mDNS names, which need a network to resolve.
  "--disable-features=WebRtcHideLocalIpsWithMdns",
];

/** Preferences that give Firefox an adapter, also on Mesa's lavapipe, in pages and in workers. */
export const FIREFOX_WEBGPU_PREFERENCES = {
  "dom.webgpu.enabled": true,
  "dom.webgpu.workers.enabled": true,
  "gfx.webgpu.ignore-blocklist": true,
  "media.peerconnection.ice.obfuscate_host_addresses": false,
  "media.peerconnection.ice.loopback": true,
  "browser.shell.checkDefaultBrowser": false,
  "app.update.enabled": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "toolkit.telemetry.reportingpolicy.firstRun": false,
};

/** Starts a headless Firefox over WebDriver BiDi with a fresh profile. */
export async function launchFirefox(): Promise<{ browser: Browser; close: () => Promise<void> }> {
  const userDataDir = await mkdtemp(join(tmpdir(), "tabmesh-firefox-"));
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: FIREFOX_PATH,
    headless: true,
    userDataDir,
    env: { ...process.env, ...firefoxEnvironment(ADAPTER.kind) },
    extraPrefsFirefox: FIREFOX_WEBGPU_PREFERENCES,
    protocolTimeout: 600_000,
    acceptInsecureCerts: true,
  });
  const removeProfile = () => rm(userDataDir, { recursive: true, force: true, maxRetries: 5 });
  // Also of one that a test kills.
  browser.process()?.once("exit", () => void removeProfile());
  return {
    browser,
    close: async () => {
      await browser.close();
      await removeProfile();
    },
  };
}
