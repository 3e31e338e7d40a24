/** The types of default-model.mjs, which is plain JavaScript so that it runs before an install. */
export type DefaultModel = {
  readonly fileName: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly url: string;
  readonly pythonPackage: string;
  readonly pythonPath: string;
};

export const DEFAULT_MODEL: DefaultModel;
export function ensureDefaultModel(model?: DefaultModel, directory?: string): Promise<string>;
