/** GGUF metadata by type. Each value is checked when it is read. */
import { malformed } from "./model-error.ts";

export class Metadata {
  readonly #values: ReadonlyMap<string, unknown>;

  constructor(values: ReadonlyMap<string, unknown>) {
    this.#values = values;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** Without a `fallback` the key is required. */
  number(key: string, fallback?: number): number {
    const value = this.#values.get(key);
    if (value === undefined && fallback !== undefined) return fallback;
    const number = typeof value === "bigint" ? Number(value) : value;
    if (typeof number !== "number" || !Number.isFinite(number)) {
      throw malformed("wrong_value_type", key, describe(value), "a number");
    }
    return number;
  }

  /** An integer from 0 to 2^40. */
  integer(key: string, fallback?: number): number {
    const number = this.number(key, fallback);
    if (!Number.isInteger(number) || number < 0 || number > 2 ** 40) {
      throw malformed("wrong_value_type", key, number, "an integer from 0 to 2^40");
    }
    return number;
  }

  text(key: string, fallback?: string): string {
    const value = this.#values.get(key);
    if (value === undefined && fallback !== undefined) return fallback;
    if (typeof value !== "string") {
      throw malformed("wrong_value_type", key, describe(value), "text");
    }
    return value;
  }

  flag(key: string): boolean | null {
    const value = this.#values.get(key);
    return typeof value === "boolean" ? value : null;
  }

  texts(key: string): string[] | null {
    return this.#list(key, (item) => typeof item === "string", "a list of texts");
  }

  numbers(key: string): number[] | null {
    return this.#list(key, (item) => typeof item === "number", "a list of numbers");
  }

  #list<T>(key: string, isItem: (item: unknown) => item is T, expected: string): T[] | null {
    const value = this.#values.get(key);
    if (value === undefined) return null;
    if (!Array.isArray(value) || !value.every(isItem))
      throw malformed("wrong_value_type", key, describe(value), expected);
    return value;
  }

  /** One number, or a list with the same number for each layer (llama.cpp writes both). */
  uniformInteger(key: string, fallback?: number): number {
    const value = this.#values.get(key);
    if (!Array.isArray(value)) return this.integer(key, fallback);
    const [first] = value as unknown[];
    if (typeof first !== "number" || !Number.isInteger(first) || !value.every((x) => x === first)) {
      throw malformed("uneven_layers", key);
    }
    return first;
  }
}

function describe(value: unknown): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}
