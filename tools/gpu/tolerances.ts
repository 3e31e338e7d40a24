/**
 * How far a kernel may be from its reference, and why. Never loosen one to make a test pass.
 */
export type Tolerance = {
  /** Largest |actual - expected| over the scale of the expected values (see `expectClose`). */
  readonly relative: number;
  readonly absolute: number;
};

/** f32 sums in another order than the reference's f64: a few ulp (1.2e-7) times the square root of the terms. */
export const F32_TOLERANCE: Tolerance = { relative: 1e-5, absolute: 1e-6 };

/**
 * Activations rounded to int8 with one scale for 32: the error of a product is at most
 * half a step, 1/254 of the block's largest value; over hundreds of terms it averages to
 * about 0.3 % of the result's own scale. llama.cpp's CPU path rounds the same way.
 */
export const INT8_ACTIVATION_TOLERANCE: Tolerance = { relative: 1.5e-2, absolute: 1e-5 };
