/** What the room needs to place a model: sizes and work per layer, from the table of tensors. */
import {
  modelIdOf,
  type ModelSource,
  type ModelSummary,
  kvBytesPerToken,
  scratchSizes,
} from "../shared/index.ts";
import type { TensorInfo } from "./description.ts";
import type { GgufHeader } from "./gguf-header.ts";
import type { ShardDescription } from "./shard.ts";

/** `whole` is the shard of all layers. */
export function summarize(
  header: GgufHeader,
  whole: ShardDescription,
  origin: { name: string; source: ModelSource; contentId: string; fileBytes: number },
): ModelSummary {
  const { model } = whole;
  const layers = whole.layers.map((layer) => {
    const tensors = Object.values(layer).filter((tensor) => tensor !== null);
    return {
      weightBytes: sum(tensors.map((tensor) => tensor.lengthBytes)),
      kvBytesPerToken: kvBytesPerToken(model),
      macs: sum(tensors.filter((tensor) => tensor.rows > 1).map(weights)),
    };
  });
  return {
    ...origin,
    name: origin.name.slice(0, 200) || "model",
    architecture: model.architecture,
    quantization: commonestFormat([...header.tensors.values()]),
    contextTokens: model.contextTokens,
    vocabulary: model.vocabulary,
    hidden: model.hidden,
    layers,
    embedBytes: whole.embedding?.lengthBytes ?? 0,
    headBytes: (whole.head?.lengthBytes ?? 0) + (whole.outputNorm?.lengthBytes ?? 0),
    headMacs: model.vocabulary * model.hidden,
    tied: model.tiedHead,
    largestTensorBytes: [...header.tensors.values()].reduce(
      (most, t) => Math.max(most, t.lengthBytes),
      0,
    ),
    scratch: scratchSizes(model),
  };
}

/** The model's id for a file or URL: its last path segment without ".gguf". */
export function modelName(pathOrUrl: string): string {
  const path = pathOrUrl.replace(/[?#].*$/s, "");
  const last = path.split(/[/\\]/).at(-1) ?? "";
  let decoded = last;
  try {
    decoded = decodeURIComponent(last);
  } catch {
    decoded = last; // a stray % is part of the name
  }
  return modelIdOf(decoded) || "model";
}

function commonestFormat(tensors: readonly TensorInfo[]): string {
  const counts = new Map<string, number>();
  for (const tensor of tensors) {
    counts.set(tensor.format, (counts.get(tensor.format) ?? 0) + weights(tensor));
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "F32";
}

const weights = ({ rows, columns }: TensorInfo): number => rows * columns;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
