/** A placement inside the solver: members by their index in the instance. */
export type Plan = {
  readonly order: readonly number[];
  /** Where each stage ends; the last is the number of layers. */
  readonly ends: Int32Array;
  /** The objective's value. */
  readonly cost: number;
};
