import type { Result, SlowCase, VitestReport } from "./checks.d.mts";

export function countReport(report: VitestReport): { passed: number; failed: number };
export function slowestCases(report: VitestReport, project: string, root: string): SlowCase[];
export function summaryLines(
  results: readonly Result[],
  time: { readonly command: string; readonly seconds: number; readonly boundSeconds: number },
): string[];
