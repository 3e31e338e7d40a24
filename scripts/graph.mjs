/**
 * `npm run graph [-- --mermaid]`: the modules of `src` and the arrows between them, from the
 * imports as they are. Exits with 1 on a cycle (type-only imports included) or on an import
 * that tools/graph/arrows.mjs does not allow.
 */
import { parseArgs } from "node:util";
import { ROOT } from "../tools/commands/run.mjs";
import { moduleOf } from "../tools/graph/arrows.mjs";
import {
  arrowsOf,
  cyclesOf,
  forbiddenImports,
  importGraph,
  readSources,
} from "../tools/graph/import-graph.mjs";

const { values } = parseArgs({ options: { mermaid: { type: "boolean", default: false } } });
const sources = readSources(ROOT);
const graph = importGraph(sources);
const inSrc = graph.filter(({ from, to }) => from.startsWith("src/") && to.startsWith("src/"));
const arrows = arrowsOf(inSrc);

/** `kernels 12`, or `mesh 3 (types)` where every import is of types. */
const label = (/** @type {typeof arrows[number]} */ { to, imports, types }) =>
  `${to} ${imports}${types === imports ? " (types)" : ""}`;

if (values.mermaid) {
  console.log("graph BT");
  for (const { from, to, imports, types } of arrows) {
    console.log(`  ${from} ${types === imports ? "-.->" : "-->"} ${to}`);
  }
} else {
  const modules = [
    ...new Set([...sources.keys()].filter((file) => file.startsWith("src/")).map(moduleOf)),
  ];
  for (const module of modules.sort()) {
    const files = [...sources.keys()].filter(
      (file) => file.startsWith("src/") && moduleOf(file) === module,
    );
    const targets = arrows.filter(({ from }) => from === module).map(label);
    console.log(
      `${module.padEnd(10)} ${String(files.length).padStart(3)} files -> ${targets.join(", ") || "nothing"}`,
    );
  }
}

const cycles = cyclesOf(graph);
const forbidden = forbiddenImports(graph);
for (const files of cycles) console.error(`cycle: ${files.join(", ")}`);
for (const line of forbidden) console.error(line);
if (!values.mermaid)
  console.log(`\n${cycles.length} cycles, ${forbidden.length} forbidden imports`);
process.exitCode = cycles.length + forbidden.length === 0 ? 0 : 1;
