/** Why a tab computes nothing, and what its user can do about it in this browser. */
import type { NoAdapter } from "../shared/index.ts";

const STILL = "You can still join to ask and watch.";

export function describeNoAdapter(noAdapter: NoAdapter): string {
  switch (noAdapter.reason) {
    case "observer":
      return "This tab joined to ask and watch; it computes nothing.";
    case "insecure_context":
      return `Browsers provide WebGPU only over HTTPS and on localhost. ${secureAddress(noAdapter.url)} ${STILL}`;
    case "no_webgpu":
      return `${noAdapter.browser} does not provide WebGPU here. ${howToEnable(noAdapter.browser)} ${STILL}`;
    case "no_adapter":
      return `${noAdapter.browser} supports WebGPU but offers no graphics adapter: the GPU or its driver is missing or blocklisted.${said(noAdapter.detail)} ${howToUnblock(noAdapter.browser)} ${STILL}`;
    case "device_lost":
      return `The graphics device was lost.${said(noAdapter.detail)} Close other pages that use the GPU and reload this one. If it happens again, update the graphics driver. ${STILL}`;
    default:
      return noAdapter satisfies never;
  }
}

const said = (detail: string | null) => (detail ? ` The browser said: ${detail}.` : "");

/** With --lan, the server of this page answers HTTPS on the same port. */
function secureAddress(url: string): string {
  const secure = url.replace(/^http:/, "https:");
  return `Open ${secure} and accept the certificate warning. If nothing answers there, start the server with "npm start -- --lan".`;
}

function howToEnable(browser: string): string {
  if (browser.startsWith("Firefox")) {
    return "Update Firefox, or open about:config and set dom.webgpu.enabled and dom.webgpu.workers.enabled to true.";
  }
  if (browser.startsWith("Safari")) {
    return "Update to Safari 26, or enable WebGPU under Settings, Feature Flags.";
  }
  return "Update the browser to version 121 or newer. On Linux, also enable chrome://flags/#enable-unsafe-webgpu.";
}

function howToUnblock(browser: string): string {
  if (browser.startsWith("Firefox")) {
    return "about:support gives the reason under Graphics. gfx.webgpu.ignore-blocklist in about:config overrides it.";
  }
  if (browser.startsWith("Safari")) return "Update the operating system.";
  return "chrome://gpu gives the reason. Enable graphics acceleration in the settings under System, or enable chrome://flags/#enable-unsafe-webgpu.";
}
