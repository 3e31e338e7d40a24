/** The matrix work that the bench gives onnxruntime-web. */
import { expect, test } from "vitest";
import {
  buildMatrixGraph,
  headShare,
  matrixShapes,
  type MatrixShapes,
  ownLayers,
} from "../../bench/peers/ort-graph.ts";
import { describeShape, MODEL_SHAPES } from "../../tools/engine/model-shapes.ts";

test("the products have the shapes of the model that is measured", () => {
  const [smol, , gemma] = MODEL_SHAPES.map((shape) => matrixShapes(describeShape(shape, 512)));
  expect(smol).toEqual({
    ...{ layers: 2, hidden: 576, queryRows: 576, attentionRows: 960 },
    ...{ feedForward: 1536, vocabulary: 49_152 },
  });
  // Heads whose queries are together narrower than the hidden state.
  expect(gemma).toMatchObject({ hidden: 1152, queryRows: 1024, attentionRows: 1536 });
  expect(headShare({ ...smol!, layers: 30 })).toBeCloseTo(0.2105, 3);
});

test("a large model's layers share weights, so that the graph stays below 2 GiB", () => {
  const own = MODEL_SHAPES.map((shape) =>
    ownLayers({ ...matrixShapes(describeShape(shape, 512)), layers: 32 }),
  );
  expect(own).toEqual([32, 32, 32, 16, 3, 1, 1]);
});

test("every layer has its products, and each matrix is in the file once", () => {
  const shapes: MatrixShapes = {
    ...{ layers: 3, hidden: 64, queryRows: 32, attentionRows: 96 },
    ...{ feedForward: 128, vocabulary: 320 },
  };
  const text = new TextDecoder("latin1").decode(buildMatrixGraph(shapes, 4));
  expect(text.split("MatMulNBits")).toHaveLength(1 + 3 * 4 + 1);
  const weights = 3 * 64 * (96 + 32 + 3 * 128) + 64 * 320;
  expect(text.length).toBeGreaterThan(weights * 0.625);
  expect(text.length).toBeLessThan(weights * 0.625 + 10_000);
});
