import { importX } from "eslint-plugin-import-x";
import { createTypeScriptImportResolver } from "eslint-import-resolver-typescript";
import tseslint from "typescript-eslint";

/**
 * The arrows: which room may import which. `stage` joins engine and mesh inside
 * the GPU worker, so that neither of them knows the other.
 */
const ARROWS = {
  shared: [],
  // Of placement only types: see below.
  words: ["shared", "placement"],
  tensor: ["shared"],
  placement: ["shared"],
  mesh: ["shared"],
  telemetry: ["shared"],
  kernels: ["tensor"],
  tuner: ["kernels", "shared"],
  model: ["tensor", "shared"],
  engine: ["kernels", "model", "tensor", "shared"],
  probe: ["kernels", "shared"],
  stage: ["engine", "mesh", "model", "shared"],
  // Of stage only types: what a GPU worker offers to its tab.
  // `words` only until decisions carry data.
  cluster: ["placement", "mesh", "telemetry", "model", "stage", "shared", "words"],
  api: ["app", "mesh", "probe", "cluster", "shared", "words"],
  ui: ["shared", "words"],
};
const rooms = Object.keys(ARROWS);

const zones = [
  ...Object.entries(ARROWS).map(([room, allowed]) => ({
    target: `./src/${room}`,
    from: "./src",
    except: [`./${room}`, ...allowed.map((name) => `./${name}`)],
    message: `${room} may import only: ${allowed.join(", ") || "zod"}.`,
  })),
  {
    target: "./src",
    from: ["./server", "./scripts", "./tools", "./bench", "./test"],
    message: "Nothing in src imports server, scripts, tools, bench or test.",
  },
  ...rooms
    .filter((room) => room !== "cluster")
    .map((room) => ({
      target: `./src/${room}`,
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
