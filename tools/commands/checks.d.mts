/** The types of checks.mjs and report.mjs, which are plain JavaScript so that they run before an install. */
export type VitestReport = {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly duration?: number | null;
    }[];
  }[];
};

export type SlowCase = { readonly seconds: number; readonly where: string; readonly name: string };

/** The outcome of one check. */
export type Result = {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly cases: readonly SlowCase[];
};
