/**
 * What an exact computation gives for each golden answer, and how far llama.cpp is from it. The exact
 * logits are those of tools/engine/reference-forward.ts: f64 sums, no rounding of activations, keys,
 * or values. llama.cpp rounds activations to 8 bits before quantized weights, and keys and values to
 * f16; its error is the budget of our own rounding (tools/engine/goldens.ts).
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { openModel } from "../../src/model/index.ts";
import {
  logitError,
  SAMPLED_POSITIONS,
  sampledLogits,
  type Exact,
} from "../../tools/engine/logit-error.ts";
import { ReferenceForward } from "../../tools/engine/reference-forward.ts";
import { logitsOf, type OracleSequence } from "./oracle.ts";

/** Tokens of each answer. */
const POSITIONS = 16;
/** Tokens of each position; enough for all that any rounding could choose. */
const LISTED = 16;

/** Computes in f64 for about a third of a second per token. */
export async function openExact(modelPath: string) {
  const source = { kind: "url", url: pathToFileURL(modelPath).href } as const;
  const file = readFileSync(modelPath);
  const bytes = {
    fileBytes: file.length,
    label: modelPath,
    read: (offset: number, length: number) =>
      Promise.resolve(Uint8Array.from(file.subarray(offset, offset + length))),
  };
  const model = await openModel(bytes, source);
  const shard = model.shard(0, model.description.layerCount);
  const forward = await ReferenceForward.of(shard, bytes, { cache: "exact" });
  return async (
    sequence: OracleSequence,
    prompt: readonly number[],
    answer: readonly number[],
  ): Promise<Exact> => {
    const forced = answer.slice(0, POSITIONS);
    const exact = forward.allLogits([...prompt, ...forced.slice(0, -1)], prompt.length - 1);
    const theirs = await logitsOf(sequence, prompt, forced, model.description.vocabulary);
    const sampled = exact.slice(0, SAMPLED_POSITIONS).map(sampledLogits);
    return {
      top: exact.map(topOf),
      errors: exact.map((logits, i) => rounded(logitError([theirs[i]!], [logits]))),
      logits: Buffer.from(Float32Array.from(sampled.flat()).buffer).toString("base64"),
      error: rounded(logitError(theirs.slice(0, SAMPLED_POSITIONS).map(sampledLogits), sampled)),
    };
  };
}

function topOf(logits: Float64Array): Exact["top"][number] {
  const ids = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]!);
  return ids.slice(0, LISTED).map((id) => [id, rounded(logits[id]! - logits[ids[0]!]!)]);
}

const rounded = (value: number) => Number(value.toFixed(4));
