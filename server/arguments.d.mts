/** The types of arguments.mjs, which is plain JavaScript so that it runs before an install. */
export type StartArguments =
  | {
      readonly kind: "run";
      readonly port: number;
      readonly lan: boolean;
      /** More names that clients may call the server by. */
      readonly hosts: readonly string[];
      /** Origins of other pages that may use the server. */
      readonly allowOrigins: readonly string[];
      readonly apiKey: string | null;
    }
  | { readonly kind: "help" }
  /** One line that says what is wrong and what to do. */
  | { readonly kind: "bad"; readonly message: string };

export const DEFAULT_PORT: number;
export const NPM_START: string;
export function usage(command?: string): string;
export function parseArguments(
  words: readonly string[],
  environment: {
    readonly PORT?: string | undefined;
    readonly TABMESH_API_KEY?: string | undefined;
  },
  command?: string,
): StartArguments;
export function busyPortMessage(port: number, command?: string): string;
