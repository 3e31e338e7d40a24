/** Whether a tab can compute: its adapter, or why it has none and what its user can do about it. */
import type { Adapter, NoAdapter } from "../shared/index.ts";
import { adapterLine } from "./member-facts.ts";
import { namelessDescriber } from "./sentences.ts";
import { describeWorkerFailure } from "./worker-failure.ts";

const STILL = "You can still join to chat and watch.";

/** What this tab found out about itself before it joins. */
export function describeOwnAdapter(
  found: { readonly adapter: Adapter } | { readonly adapter: null; readonly noAdapter: NoAdapter },
): string {
  if (found.adapter === null) return describeNoAdapter(found.noAdapter);
  const slow = found.adapter.software ? " It is a software adapter, which is slow." : "";
  return `This tab can compute: ${adapterLine(found)}.${slow}`;
}

export const describeNoAdapter = namelessDescriber<NoAdapter>({
  observer: () => "This tab only chats and watches. It does not compute.",
  insecure_context: ({ url }) =>
    `Browsers provide WebGPU only over HTTPS and on localhost. ${secureAddress(url)} ${STILL}`,
  no_webgpu: ({ browser }) =>
    `${browser} does not provide WebGPU here. ${howToEnable(browser)} ${STILL}`,
  no_adapter: ({ browser, detail }) =>
    `${browser} supports WebGPU but offers no graphics adapter: the GPU or its driver is missing or blocklisted.${said(detail)} ${howToUnblock(browser)} ${STILL}`,
  device_lost: ({ detail }) =>
    `The graphics device was lost.${said(detail)} Close other pages that use the GPU and reload this one. If it happens again, update the graphics driver. ${STILL}`,
  worker_gone: ({ cause }) =>
    `The GPU worker of this tab fails each time that it starts. ${describeWorkerFailure(cause)} ${STILL}`,
});

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
