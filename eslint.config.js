import { importX } from "eslint-plugin-import-x";
import { createTypeScriptImportResolver } from "eslint-import-resolver-typescript";
import tseslint from "typescript-eslint";
import { ARROWS } from "./tools/graph/arrows.mjs";

/** Import-x sees no difference between values and types; `npm run graph` and its test do. */
const zones = [
  ...Object.entries(ARROWS).map(([module, { imports, types = [] }]) => ({
    target: `./src/${module}`,
    from: "./src",
    except: [module, ...imports, ...types].map((name) => `./${name}`),
    message: `${module} may import only: ${[...imports, ...types].join(", ") || "zod"}.`,
  })),
  {
    target: "./src",
    from: ["./server", "./scripts", "./tools", "./bench", "./test"],
    message: "Nothing in src imports server, scripts, tools, bench or test.",
  },
  ...Object.keys(ARROWS)
    .filter((module) => module !== "cluster")
    .map((module) => ({
      target: `./src/${module}`,
      from: "./workers",
      message: "Only main.ts and the cluster's type imports name a worker entry.",
    })),
  {
    target: "./workers",
    from: ["./src/ui", "./src/cluster", "./src/main.ts"],
    message: "A worker imports what it runs, never ui or cluster.",
  },
];

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "models/", ".cache/", "bench/.peers/"] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    plugins: { "import-x": importX },
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    settings: { "import-x/resolver-next": [createTypeScriptImportResolver()] },
    rules: {
      "import-x/no-restricted-paths": ["error", { zones }],
      "import-x/no-cycle": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "off",
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
        { patterns: [{ regex: "^(?!\\.|zod$)", message: "shared imports only zod." }] },
      ],
    },
  },
);
