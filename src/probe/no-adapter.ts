/**
 * Why a tab computes nothing, in words, and what its person can do in this
 * browser. Pure: the facts come in, words go out.
 */
import type { NoAdapter } from "../shared/member.ts";

export type NoAdapterFacts = {
  readonly reason: NoAdapter["reason"];
  /** From `browserName`, such as "Firefox 153". */
  readonly browser: string;
  /** The page's address. */
  readonly url: string;
  /** What the device or the browser said, when it said something. */
  readonly detail: string | null;
};

const STILL = "You can still join to ask and watch.";

export function explainNoAdapter({ reason, browser, url, detail }: NoAdapterFacts): NoAdapter {
  const said = detail === null || detail === "" ? "" : ` The browser said: ${detail}.`;
  switch (reason) {
    case "observer":
      return { reason, message: "This tab joined to ask and watch; it computes nothing." };
    case "insecure_context":
      return {
        reason,
        message: `Browsers offer WebGPU only on https and on localhost. ${secureAddress(url)} ${STILL}`,
      };
    case "no_webgpu":
      return { reason, message: `${browser} has no WebGPU here. ${howToEnable(browser)} ${STILL}` };
    case "no_adapter":
      return {
        reason,
        message: `${browser} has WebGPU but offers no graphics adapter: the GPU or its driver is missing or blocklisted.${said} ${howToUnblock(browser)} ${STILL}`,
      };
    case "device_lost":
      return {
        reason,
        message: `The graphics device was lost.${said} Close other pages that use the GPU and reload this one; if it happens again, update the graphics driver. ${STILL}`,
      };
    default:
      return reason satisfies never;
  }
}

/** The server of this page answers HTTPS on the same port when it runs with --lan. */
function secureAddress(url: string): string {
  const secure = url.replace(/^http:/, "https:");
  return `Open ${secure} and accept the certificate's warning; if nothing answers there, start the server with "npm start -- --lan".`;
}

function howToEnable(browser: string): string {
  if (browser.startsWith("Firefox")) {
    return "Update Firefox, or open about:config and set dom.webgpu.enabled and dom.webgpu.workers.enabled to true.";
  }
  if (browser.startsWith("Safari")) {
    return "Update to Safari 26, or switch WebGPU on under Settings, Feature Flags.";
  }
  return "Update the browser to version 121 or newer; on Linux also switch on chrome://flags/#enable-unsafe-webgpu.";
}

function howToUnblock(browser: string): string {
  if (browser.startsWith("Firefox")) {
    return "about:support says why under Graphics; about:config's gfx.webgpu.ignore-blocklist overrides it.";
  }
  if (browser.startsWith("Safari")) return "Update the operating system.";
  return "chrome://gpu says why; switch on graphics acceleration in the settings under System, or chrome://flags/#enable-unsafe-webgpu.";
}
