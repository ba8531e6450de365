/** @file Attention masks as the kernels take them: numbers added to the scores. */
import { bools, cast, floats, toDevice, where } from "../torch/ops.ts";
import type { DType, Tensor } from "../torch/tensor.ts";

/** 0 where `allowed` is 1, -inf elsewhere. */
export function additive(allowed: Uint8Array, shape: readonly number[], dtype: DType, device: string): Tensor {
  const mask = where(bools(allowed, shape), floats([0], []), floats([Number.NEGATIVE_INFINITY], []));
  return toDevice(cast(mask, dtype), device);
}

/** [t, before + t]: 1 where a token may look: at everything before its piece, at itself and at what precedes it there. */
export function prefixedCausal(before: number, t: number): Uint8Array {
  const width = before + t;
  const visible = new Uint8Array(t * width);
  for (let row = 0; row < t; row++) visible.fill(1, row * width, row * width + before + row + 1);
  return visible;
}
