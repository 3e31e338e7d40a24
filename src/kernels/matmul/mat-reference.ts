/** The reference of the matrix kernels: plain loops, f64 sums. */

export type MatShape = {
  readonly rows: number;
  readonly columns: number;
  readonly tokens: number;
};

/** out[t, r] = sum over c of weights[r, c] * x[t, c]. */
export function matReference(
  weights: Float32Array, // [rows, columns]
  x: Float32Array, // [tokens, columns]
  { rows, columns, tokens }: MatShape,
): Float64Array {
  const out = new Float64Array(tokens * rows);
  for (let t = 0; t < tokens; t++) {
    for (let r = 0; r < rows; r++) {
      let sum = 0;
      for (let c = 0; c < columns; c++) sum += weights[r * columns + c]! * x[t * columns + c]!;
      out[t * rows + r] = sum;
    }
  }
  return out;
}

/** x[t, c] * weight[c] / sqrt(mean over c of x[t, c]^2 + epsilon). */
export function normReference(
  x: Float32Array, // [tokens, columns]
  weight: Float32Array, // [columns]
  epsilon: number,
): Float32Array {
  const columns = weight.length;
  return x.map((value, i) => {
    const start = i - (i % columns);
    let squares = 0;
    for (let c = 0; c < columns; c++) squares += x[start + c]! ** 2;
    return (value * weight[i % columns]!) / Math.sqrt(squares / columns + epsilon);
  });
}

/** gate * sigmoid(gate) * up, of rows that alternate gate and up. */
export function swigluReference(pairs: Float64Array): Float64Array {
  return Float64Array.from({ length: pairs.length / 2 }, (_, i) => {
    const gate = pairs[2 * i]!;
    return (gate / (1 + Math.exp(-gate))) * pairs[2 * i + 1]!;
  });
}
