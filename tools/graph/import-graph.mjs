/**
 * The import graph of the repository: files, arrows between modules, cycles. Pure except for
 * `readSources`. It reads imports by pattern, which is exact for files that `npm run format` has formatted.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { moduleOf, refusal } from "./arrows.mjs";

/** @typedef {import("./import-graph.d.mts").Import} Import */
/** @typedef {import("./import-graph.d.mts").Sources} Sources */

export const AREAS = ["src", "workers", "server", "scripts", "tools", "bench", "test", "examples"];

const SKIPPED = new Set(["node_modules", "dist", "models", ".cache", ".peers"]);

/** Reads every source file under `areas`, by its path from `root`. */
export function readSources(/** @type {string} */ root, areas = AREAS) {
  /** @type {Map<string, string>} */ const sources = new Map();
  const visit = (/** @type {string} */ folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (SKIPPED.has(entry.name)) continue;
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) visit(path);
      else if (/\.(ts|mts|mjs|js|wgsl|json)$/.test(entry.name)) {
        sources.set(
          path,
          /\.(json|wgsl)$/.test(path) ? "" : readFileSync(join(root, path), "utf8"),
        );
      }
    }
  };
  const existing = new Set(readdirSync(root));
  for (const area of areas) if (existing.has(area)) visit(area);
  return sources;
}

/** `import … from "x"` and `export … from "x"`; group 1 is `type`, group 2 what is imported. */
const STATEMENT = /^(?:import|export)\s+(type\s+)?([^"';]*?)\s*from\s+"([^"]+)"/gm;
/** A name that a file declares and exports; group 1 is the name. */
const DECLARATION = /^export\s+(?:abstract\s+|async\s+)?(?:const|type|class|function\*?)\s+(\w+)/gm;
const SIDE_EFFECT = /^import\s+"([^"]+)"/gm;
/** `import("x")` with its surroundings: as a type after `typeof` or before a member name. */
const CALL = /(typeof\s+)?\bimport\(\s*"([^"]+)"\s*\)(\.[A-Z])?/g;
const URL_ENTRY = /new URL\(\s*"([^"]+)",\s*import\.meta\.url/g;

/** @returns {Import[]} the imports of files of the repository */
export function importsOf(
  /** @type {string} */ file,
  /** @type {string} */ text,
  /** @type {Sources} */ sources,
) {
  /** @type {Import[]} */ const found = [];
  const add = (/** @type {string} */ specifier, /** @type {boolean} */ typesOnly) => {
    if (!specifier.startsWith(".")) return;
    const path = posix.join(posix.dirname(file), specifier.replace(/[?#].*$/, ""));
    // A declaration file stands for the JavaScript that it describes.
    for (const to of new Set([path, path.replace(/\.mjs$/, ".d.mts")])) {
      if (to !== file && sources.has(to)) found.push({ from: file, to, typesOnly });
    }
  };
  for (const [, type, names = "", specifier = ""] of text.matchAll(STATEMENT)) {
    add(specifier, type !== undefined || onlyTypes(names));
  }
  for (const [, specifier = ""] of text.matchAll(SIDE_EFFECT)) add(specifier, false);
  for (const [, typeOf, specifier = "", member] of text.matchAll(CALL)) {
    add(specifier, typeOf !== undefined || member !== undefined);
  }
  for (const [, specifier = ""] of text.matchAll(URL_ENTRY)) add(specifier, false);
  return found;
}

/** `{ type A, type B }`: a default or a namespace import is a value. */
function onlyTypes(/** @type {string} */ names) {
  const inBraces = /^\{([^}]*)\}$/.exec(names.trim())?.[1];
  if (inBraces === undefined) return false;
  const listed = inBraces.split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]));
  return listed.length > 0 && listed.every((name) => name.startsWith("type "));
}

/** @returns {Import[]} */
export function importGraph(/** @type {Sources} */ sources) {
  return [...sources].flatMap(([file, text]) => importsOf(file, text, sources));
}

/**
 * The arrows between modules, with the number of imports and of those that are only types.
 *
 * @returns {import("./import-graph.d.mts").Arrow[]}
 */
export function arrowsOf(/** @type {readonly Import[]} */ graph) {
  /** @type {Map<string, { from: string, to: string, imports: number, types: number }>} */
  const arrows = new Map();
  for (const { from: file, to: target, typesOnly } of graph) {
    const [from, to] = [moduleOf(file), moduleOf(target)];
    if (from === to) continue;
    const arrow = arrows.get(`${from} ${to}`) ?? { from, to, imports: 0, types: 0 };
    arrow.imports += 1;
    if (typesOnly) arrow.types += 1;
    arrows.set(`${from} ${to}`, arrow);
  }
  return [...arrows.values()];
}

/** Each import that the table of arrows does not allow, or that bypasses an entry point, as a line. */
export function forbiddenImports(/** @type {readonly Import[]} */ graph) {
  return graph.flatMap(({ from, to, typesOnly }) => {
    const [source, target] = [moduleOf(from), moduleOf(to)];
    const reason = refusal(source, target, typesOnly);
    if (reason !== null) return [`${from} imports ${to}: ${reason}`];
    // Tests may look inside a module.
    const isDeep = /^src\/[^/]+\//.test(to) && to !== `src/${target}/index.ts`;
    if (isDeep && source !== target && source !== "test") {
      return [`${from} imports ${to}: import src/${target}/index.ts`];
    }
    return [];
  });
}

/**
 * The cycles among files, type-only imports included: each is a strongly connected set of
 * files (Tarjan's algorithm), sorted.
 *
 * @returns {string[][]}
 */
export function cyclesOf(/** @type {readonly { from: string, to: string }[]} */ graph) {
  /** @type {Map<string, string[]>} */ const next = new Map();
  for (const { from, to } of graph) next.set(from, [...(next.get(from) ?? []), to]);
  /** @type {Map<string, number>} */ const order = new Map();
  /** @type {Map<string, number>} */ const lowest = new Map();
  /** @type {string[]} */ const stack = [];
  /** @type {string[][]} */ const cycles = [];
  const visit = (/** @type {string} */ node) => {
    order.set(node, order.size);
    lowest.set(node, order.get(node) ?? 0);
    stack.push(node);
    for (const target of next.get(node) ?? []) {
      if (!order.has(target)) visit(target);
      if (stack.includes(target)) {
        lowest.set(node, Math.min(lowest.get(node) ?? 0, lowest.get(target) ?? 0));
      }
    }
    if (lowest.get(node) !== order.get(node)) return;
    const members = stack.splice(stack.indexOf(node));
    if (members.length > 1 || next.get(node)?.includes(node)) cycles.push(members.sort());
  };
  for (const node of next.keys()) if (!order.has(node)) visit(node);
  return cycles;
}

/**
 * The graph with each import from an entry point replaced by imports from the files that declare
 * the imported names: an importer of one name does not depend on what else the module exports.
 *
 * @returns {Import[]}
 */
export function withoutEntryPoints(
  /** @type {readonly Import[]} */ graph,
  /** @type {Sources} */ sources,
) {
  /** @type {Map<string, Map<string, string>>} */ const declared = new Map();
  for (const [file, text] of sources) {
    if (!/^src\/[^/]+\/index\.ts$/.test(file)) continue;
    const files = new Map();
    for (const [, , names = "", specifier = ""] of text.matchAll(STATEMENT)) {
      const from = posix.join(posix.dirname(file), specifier);
      const declaredThere = [...(sources.get(from) ?? "").matchAll(DECLARATION)];
      const exported =
        names.trim() === "*"
          ? declaredThere.map(([, name = ""]) => name)
          : (namesIn(names) ?? []).map((entry) => entry.exported);
      for (const name of exported) files.set(name, from);
    }
    declared.set(file, files);
  }
  return graph.flatMap((edge) => {
    const files = declared.get(edge.to);
    const text = sources.get(edge.from) ?? "";
    if (files === undefined) return [edge];
    /** @type {Map<string, boolean>} whether only types are imported */ const targets = new Map();
    for (const [, type, names = "", specifier = ""] of text.matchAll(STATEMENT)) {
      if (posix.join(posix.dirname(edge.from), specifier) !== edge.to) continue;
      const listed = namesIn(names);
      if (listed === null) return [edge];
      for (const { imported, isType } of listed) {
        const to = files.get(imported) ?? edge.to;
        targets.set(to, (targets.get(to) ?? true) && (isType || type !== undefined));
      }
    }
    if (targets.size === 0) return [edge];
    return [...targets].map(([to, typesOnly]) => ({ ...edge, to, typesOnly }));
  });
}

/** The names in `{ a, type B, c as d }`; null for a default or a namespace import. */
function namesIn(/** @type {string} */ names) {
  const inBraces = /^\{([^}]*)\}$/.exec(names.trim())?.[1];
  if (inBraces === undefined) return null;
  return inBraces.split(",").flatMap((entry) => {
    const isType = /^\s*type /.test(entry);
    const [imported = "", exported = imported] = entry
      .trim()
      .replace(/^type /, "")
      .split(" as ");
    return imported === "" ? [] : [{ imported, exported, isType }];
  });
}

/**
 * The files that import one of `files`, directly or not, and these files themselves.
 *
 * @returns {Set<string>}
 */
export function dependents(
  /** @type {readonly Import[]} */ graph,
  /** @type {Iterable<string>} */ files,
) {
  /** @type {Map<string, string[]>} */ const importers = new Map();
  for (const { from, to } of graph) importers.set(to, [...(importers.get(to) ?? []), from]);
  const reached = new Set(files);
  for (const file of reached)
    for (const importer of importers.get(file) ?? []) reached.add(importer);
  return reached;
}
