import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { firefox } from "./tools/browsers/firefox-provider.ts";
import { ADAPTER } from "./tools/browsers/adapter-choice.ts";
import { CHROMIUM_PATH, CHROMIUM_WEBGPU_FLAGS } from "./tools/browsers/browsers.ts";
import { chosenTestSet, filesOf, NOT_IN_CHECK } from "./tools/test-sets.ts";
import { ISOLATION_HEADERS } from "./vite.config.ts";

const set = chosenTestSet();

/** Shaders compile for seconds on a software adapter, the more so on two shared cores. */
const BROWSER_TEST_TIMEOUT_MS = 120_000;

/** Named here, since a dependency found in the middle of a run reloads the page under a test. */
const optimizeDeps = {
  include: [
    "@noble/curves/ed25519.js",
    "@noble/hashes/hkdf.js",
    "@noble/hashes/hmac.js",
    "@noble/hashes/sha2.js",
    "@noble/hashes/utils.js",
    "comlink",
    "peerjs",
    "zod",
    "axe-core",
    "lit",
    "lit/directives/guard.js",
    "lit/directives/if-defined.js",
    "lit/directives/live.js",
    "lit/directives/repeat.js",
    "marked",
    "uqr",
  ],
};
const isolated = { headers: ISOLATION_HEADERS };
const browserTests = {
  globalSetup: ["tools/server/signaling-server.ts"],
  testTimeout: BROWSER_TEST_TIMEOUT_MS,
  hookTimeout: BROWSER_TEST_TIMEOUT_MS,
  fileParallelism: false,
  provide: { adapterKind: ADAPTER.kind },
};

export default defineConfig({
  server: isolated,
  test: {
    projects: [
      {
        test: {
          name: "node",
          environment: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.{browser,page}.test.ts", ...(set === "check" ? NOT_IN_CHECK : [])],
          testTimeout: 30_000,
          // No test changes a global that another file reads, so the files share their modules. Each
          // worker is a process, because tests of the solver read the CPU time of theirs.
          isolate: false,
        },
      },
      {
        server: isolated,
        optimizeDeps,
        test: {
          ...browserTests,
          ...filesOf("chromium", set),
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: { executablePath: CHROMIUM_PATH, args: CHROMIUM_WEBGPU_FLAGS },
            }),
            instances: [{ browser: "chromium", name: "chromium" }],
          },
        },
      },
      {
        server: isolated,
        optimizeDeps,
        test: {
          ...browserTests,
          ...filesOf("firefox", set),
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: firefox(),
            instances: [{ browser: "firefox", name: "firefox" }],
          },
        },
      },
      {
        test: {
          name: "e2e",
          environment: "node",
          ...filesOf("e2e", set),
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
