/**
 * The browsers that the tests drive: Chromium, which includes SwiftShader, and Firefox with Mesa's
 * lavapipe as its adapter. As root on Debian they are installed; elsewhere the error says what to
 * install.
 */
import { existsSync, readdirSync } from "node:fs";
import { hasProgram, run, say, ScriptError } from "./run.mjs";

/** Where each is looked for; the environment variable has priority, as in tools/browsers/browsers.ts. */
const NEEDED = [
  {
    name: "Chromium",
    variable: "CHROMIUM_PATH",
    paths: ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"],
    debianPackage: "chromium",
  },
  {
    name: "Firefox",
    variable: "FIREFOX_PATH",
    paths: ["/usr/bin/firefox-esr", "/usr/bin/firefox"],
    debianPackage: "firefox-esr",
  },
];

const VULKAN_DRIVERS = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
const LAVAPIPE_PACKAGE = "mesa-vulkan-drivers";

/** Installs what is missing, or throws a `ScriptError` that says what to install. */
export async function ensureBrowsers() {
  const missing = missingParts();
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(", ");
  const packages = missing.map(({ debianPackage }) => debianPackage);
  const command = `apt-get install -y ${packages.join(" ")}`;
  if (!hasProgram("apt-get") || process.getuid?.() !== 0) {
    throw new ScriptError(
      `The tests need ${names}: install it (on Debian: sudo ${command}), or set CHROMIUM_PATH and FIREFOX_PATH`,
    );
  }
  say(`Installing ${names} (${command}) …`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update", "-qq"], { env });
  const words = ["install", "-y", "-qq", "--no-install-recommends", ...packages];
  if ((await run("apt-get", words, { env })) !== 0) {
    throw new ScriptError(`${command} failed, see above: install ${names} and run npm test again`);
  }
}

function missingParts() {
  const missing = NEEDED.filter(({ variable, paths }) => {
    const named = process.env[variable];
    return !(named === undefined ? paths : [named]).some((path) => existsSync(path));
  }).map(({ name, debianPackage }) => ({ name, debianPackage }));
  const drivers = VULKAN_DRIVERS.filter((path) => existsSync(path)).flatMap((path) =>
    readdirSync(path),
  );
  // Any Vulkan driver gives Firefox an adapter; without one, lavapipe does.
  if (process.platform === "linux" && drivers.length === 0) {
    missing.push({ name: "a Vulkan driver", debianPackage: LAVAPIPE_PACKAGE });
  }
  return missing;
}
