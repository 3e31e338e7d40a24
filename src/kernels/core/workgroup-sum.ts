/**
 * Parts of a shader whose workgroup adds up one number of each thread: with subgroups by one barrier,
 * otherwise by two.
 */
import type { ShaderFeatures } from "./device.ts";
import { partsOf, sectionsOf, type TemplateValues } from "./template.ts";
import file from "./workgroup-sum.wgsl?raw";

const SECTIONS = sectionsOf(file);

/** Sums of the first of two rounds, without subgroups. */
const FIRST_SUMS = 16;

/** Wider rows take several turns; more threads would wait for each other longer than they save. */
const MAX_THREADS = 256;
const MIN_THREADS = 32;

/** Threads for so many independent loads: a power of two from 32 to 256. */
export function rowThreads(loads: number): number {
  return Math.min(MAX_THREADS, Math.max(MIN_THREADS, 2 ** Math.ceil(Math.log2(loads))));
}

/** `sum-declare` and `sum` (workgroup-sum.wgsl), `lanes-argument`, and the values that they name. */
export function workgroupSum(
  threads: number,
  { subgroups, subgroupMinSize }: ShaderFeatures,
): { readonly parts: Record<string, string>; readonly values: TemplateValues } {
  const kind = subgroups ? "subgroups" : "threads";
  const sums = subgroups ? Math.ceil(threads / Math.max(1, subgroupMinSize)) : FIRST_SUMS;
  return {
    parts: {
      ...partsOf(SECTIONS, kind),
      "lanes-argument": subgroups ? "  @builtin(subgroup_size) lanes: u32," : "",
    },
    values: {
      WG: threads,
      SUMS: sums,
      SUMMANDS: threads / sums,
      ENABLE: subgroups ? "enable subgroups;\n" : "",
    },
  };
}
