/** @file Attention masks as the kernels take them: numbers added to the scores. */
import { bools, cast, floats, toDevice, where } from "../torch/ops.ts";
import type { DType, Tensor } from "../torch/tensor.ts";
import { type Tree, treeLength } from "./model.ts";

/** 0 where `allowed` is 1, -inf elsewhere. */
export function additive(allowed: Uint8Array, shape: readonly number[], dtype: DType, device: string): Tensor {
  const mask = where(bools(allowed, shape), floats([0], []), floats([Number.NEGATIVE_INFINITY], []));
  return toDevice(cast(mask, dtype), device);
}

/** 1 where the token of that row may look at the token of that column [T, T]: at itself and at what precedes it in the
 * root and in its own branch. */
export function treeVisibility(tree: Tree): Uint8Array {
  const T = treeLength(tree);
  const visible = new Uint8Array(T * T);
  let start = 0;
  for (const [i, length] of [tree.root, ...tree.branches].entries()) {
    for (let row = start; row < start + length; row++) {
      if (i > 0) visible.fill(1, row * T, row * T + tree.root);
      visible.fill(1, row * T + start, row * T + row + 1);
    }
    start += length;
  }
  return visible;
}
