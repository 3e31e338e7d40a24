import { readdirSync } from "node:fs";
import { importX } from "eslint-plugin-import-x";
import { createTypeScriptImportResolver } from "eslint-import-resolver-typescript";
import tseslint from "typescript-eslint";
import { ARROWS } from "./tools/graph/arrows.mjs";

const modules = Object.keys(ARROWS);
for (const entry of readdirSync(new URL("src/", import.meta.url), { withFileTypes: true }))
  if (entry.isDirectory() && !modules.includes(entry.name))
    throw new Error(`tools/graph/arrows.mjs must say what src/${entry.name} may import.`);

/** Import-x sees no difference between values and types; `npm run graph` and its test do. */
const directionZones = Object.entries(ARROWS).map(([module, { imports, types = [] }]) => ({
  target: `./src/${module}`,
  from: "./src",
  except: [module, ...imports, ...types].map((name) => `./${name}`),
  message: `${module} may import only: ${[...imports, ...types].join(", ") || "zod"}.`,
}));

/** Everything but tests, which may look inside a module. */
const entryPointZones = modules.map((module) => ({
  target: [
    ...modules.filter((other) => other !== module).map((other) => `./src/${other}`),
    "./src/main.ts",
    "./src/library.ts",
    "./workers",
    "./server",
    "./scripts",
    "./tools",
    "./bench",
  ],
  from: `./src/${module}`,
  except: ["./index.ts"],
  message: `Import src/${module}/index.ts: it is the module's one entry point.`,
}));

/** Inside, an import through the entry point would be a cycle. */
const ownEntryPointZones = modules.map((module) => ({
  target: `./src/${module}`,
  from: `./src/${module}/index.ts`,
  message: "Inside a module, import the file itself.",
}));

const zones = [
  ...directionZones,
  ...entryPointZones,
  ...ownEntryPointZones,
  {
    target: "./src",
    from: ["./server", "./scripts", "./tools", "./bench", "./test"],
    message: "Nothing in src imports server, scripts, tools, bench or test.",
  },
  {
    target: modules.filter((module) => module !== "tab").map((module) => `./src/${module}`),
    from: "./workers",
    message: "Only tab names a worker entry.",
  },
  {
    target: "./workers",
    from: ["./src/ui", "./src/cluster", "./src/tab", "./src/page", "./src/main.ts"],
    message: "A worker imports what it runs, never ui, cluster, tab or page.",
  },
];

export default tseslint.config(
  {
    ignores: [
      "**/dist/",
      "dist-library/",
      "test/library/project/",
      "node_modules/",
      "models/",
      ".cache/",
      "bench/.peers/",
    ],
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommended],
    plugins: { "import-x": importX },
    settings: { "import-x/resolver-next": [createTypeScriptImportResolver()] },
    rules: {
      "import-x/no-restricted-paths": ["error", { zones }],
      "import-x/no-cycle": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "@typescript-eslint/consistent-type-imports": "error",
      "no-empty": "error",
      "max-lines": ["warn", { max: 400, skipBlankLines: true, skipComments: true }],
      "no-restricted-imports": "off",
    },
  },
  {
    files: ["src/words/**/*.ts"],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: "/placement/",
              allowTypeImports: true,
              message: "words renders placement's data and runs none of its code.",
            },
          ],
        },
      ],
    },
  },
  {
    files: ["src/shared/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: "^(?!\\.|zod$|@noble/)",
              message: "shared imports only zod and @noble's cryptography.",
            },
          ],
        },
      ],
    },
  },
);
