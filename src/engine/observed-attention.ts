/** @file Observes attention: how much of it some tokens give to others, layer by layer. */
import { additive, prefixedCausal } from "../models/masks.ts";
import type { Attention } from "../models/model.ts";
import {
  add,
  cast,
  indexSelect,
  ints,
  matmul,
  mul,
  permute,
  reshape,
  softmax,
  sumDim,
  toDevice,
} from "../torch/ops.ts";
import { type Tensor, tidy } from "../torch/tensor.ts";

/**
 * Wraps another attention and computes the weights of a few rows beside it, in float32: the kernels in use do not return
 * them, and all rows would not fit into memory. For a pack of one sequence.
 */
export class ObservedAttention implements Attention {
  readonly #inner: Attention;
  readonly #rows: readonly number[];
  readonly #columns: readonly (readonly number[])[];
  readonly #shares: number[][][];

  /**
   * `rows` are the places of the tokens that look, each list of `columns` the places of some that are looked at. `shares` is filled: by
   * list, layer and row the part of the row's attention that falls on the list's columns, mean over the heads.
   */
  constructor(
    inner: Attention,
    rows: readonly number[],
    columns: readonly (readonly number[])[],
    shares: number[][][],
  ) {
    this.#inner = inner;
    this.#rows = rows;
    this.#columns = columns;
    this.#shares = shares;
  }

  attend(layer: number, q_THE: Tensor, k_TKE: Tensor, v_TKE: Tensor): Tensor {
    tidy(() => {
      for (const [i, seen_R] of this.#observe(q_THE, k_TKE).entries())
        this.#shares[i]![layer] = Array.from(seen_R.toFloats());
    });
    return this.#inner.attend(layer, q_THE, k_TKE, v_TKE);
  }

  /** For R observed rows: the share of each, [R], by list of columns. */
  #observe(q_THE: Tensor, k_TKE: Tensor): Tensor[] {
    const [T, H, E] = q_THE.shape as [number, number, number];
    const [K, R] = [k_TKE.size(1), this.#rows.length];
    const { device } = q_THE;
    const index = (places: readonly number[]) => toDevice(ints(places), device);
    const q_RHE = cast(indexSelect(q_THE, 0, index(this.#rows)), "float32");
    // The query heads that share a key head become rows of one product.
    const q = reshape(permute(reshape(q_RHE, [R, K, H / K, E]), [1, 2, 0, 3]), [K, (H / K) * R, E]);
    const scores_HRT = reshape(matmul(mul(q, E ** -0.5), permute(cast(k_TKE, "float32"), [1, 2, 0])), [H, R, T]);
    const causal = additive(prefixedCausal(0, T), [T, T], "float32", device);
    const weights_HRT = softmax(add(scores_HRT, indexSelect(causal, 0, index(this.#rows))), -1);
    return this.#columns.map((places) => mul(sumDim(indexSelect(weights_HRT, 2, index(places)), [0, 2]), 1 / H));
  }
}
