/**
 * The problem as an integer program for HiGHS, the oracle where brute force is too slow. Latency only,
 * no pins, no `aloneMs`.
 *
 *   a[d,l,e]   d runs the layers [l, e)
 *   y[d,g,l]   from d to g at layer l
 *   z[d,f]     the last stage is on d, the first on f
 */
import highsLoader from "highs";
import type { Problem } from "../../src/placement/index.ts";
import { shardFits } from "./shard-fits.ts";

export type MilpAnswer = { readonly costMs: number | null; readonly elapsedMs: number };

/** The optimum by HiGHS; null if infeasible. Rejects if HiGHS gives up. */
export async function solveByMilp(problem: Problem, timeLimitS = 60): Promise<MilpAnswer> {
  const highs = await highsLoader();
  const startedAt = performance.now();
  const result = highs.solve(programOf(problem), { time_limit: timeLimitS, mip_rel_gap: 1e-9 });
  const elapsedMs = performance.now() - startedAt;
  if (result.Status === "Optimal") return { costMs: result.ObjectiveValue, elapsedMs };
  if (result.Status === "Infeasible") return { costMs: null, elapsedMs };
  throw new Error(`HiGHS gave up on ${problem.name}: ${result.Status}`);
}

/** The program in CPLEX's LP format. */
function programOf(problem: Problem): string {
  const { members, links, model } = problem;
  const n = members.length;
  const L = model.layers.length;
  const objective: string[] = [];
  const binaries: string[] = [];
  const rows = new Map<string, string[]>();
  const add = (row: string, term: string) => {
    const terms = rows.get(row);
    if (terms === undefined) rows.set(row, [term]);
    else terms.push(term);
  };
  members.forEach((member, d) => {
    if (member.excluded === true) return;
    for (let l = 0; l < L; l++) {
      let layersMs = 0;
      for (let e = l + 1; e <= L; e++) {
        layersMs += member.layerMs[e - 1]!;
        if (!shardFits(problem, member, l, e)) break;
        const name = `a_${d}_${l}_${e}`;
        // A shard that ends at the last layer may not fit because of the head, while shorter ones do.
        const ms =
          member.stageMs +
          layersMs +
          (l === 0 ? member.embedMs : 0) +
          (e === L ? member.headMs : 0);
        objective.push(`${ms} ${name}`);
        binaries.push(name);
        add(`once_${d}`, `+ ${name}`);
        if (l === 0) {
          add("start", `+ ${name}`);
          add(`first_${d}`, `- ${name}`);
        } else add(`into_${d}_${l}`, `- ${name}`);
        if (e === L) add(`last_${d}`, `- ${name}`);
        else add(`out_${d}_${e}`, `- ${name}`);
      }
    }
  });
  const indexOf = new Map(members.map((member, d) => [member.id, d]));
  for (const link of links) {
    const d = indexOf.get(link.from)!;
    const g = indexOf.get(link.to)!;
    const hopMs = link.latencyMs + model.hiddenBytes / link.bytesPerMs;
    for (let l = 1; l < L; l++) {
      const name = `y_${d}_${g}_${l}`;
      objective.push(`${hopMs} ${name}`);
      binaries.push(name);
      add(`out_${d}_${l}`, `+ ${name}`);
      add(`into_${g}_${l}`, `+ ${name}`);
    }
    const closing = `z_${d}_${g}`;
    objective.push(`${link.latencyMs} ${closing}`);
    binaries.push(closing);
    add(`last_${d}`, `+ ${closing}`);
    add(`first_${g}`, `+ ${closing}`);
  }
  for (let d = 0; d < n; d++) {
    const alone = `z_${d}_${d}`;
    objective.push(`0 ${alone}`);
    binaries.push(alone);
    add(`last_${d}`, `+ ${alone}`);
    add(`first_${d}`, `+ ${alone}`);
  }
  const constraints = [...rows].map(([row, terms]) => {
    const right = row === "start" ? "= 1" : row.startsWith("once") ? "<= 1" : "= 0";
    return ` ${row}: ${wrap(terms.join(" "))} ${right}`;
  });
  if (problem.maxStages !== undefined) {
    const all = binaries.filter((name) => name.startsWith("a_"));
    constraints.push(` stages: ${wrap(all.join(" + "))} <= ${problem.maxStages}`);
  }
  if (!rows.has("start")) constraints.push(" start: 0 z_0_0 = 1");
  return [
    "Minimize",
    ` cost: ${wrap(objective.join(" + "))}`,
    "Subject To",
    ...constraints,
    "Binary",
    wrap(binaries.join(" ")),
    "End",
  ].join("\n");
}

/** The format limits lines to 510 characters: break at spaces, before a sign or a name. */
function wrap(text: string): string {
  return text.replace(/(.{200,400}) /g, "$1\n ");
}
