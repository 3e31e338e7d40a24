/** The types of checks.mjs, which is plain JavaScript so that it runs before an install. */
export type VitestReport = {
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
};

export type Result = { readonly name: string; readonly passed: number; readonly failed: number };

export function staticChecks(): Promise<Result[]>;
export function vitest(project: "node" | "chromium" | "firefox" | "e2e"): Promise<Result>;
export function countReport(report: VitestReport): { passed: number; failed: number };
export function summarise(results: readonly Result[]): void;
