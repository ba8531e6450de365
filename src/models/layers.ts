/** @file The layers that architectures share. Each takes the weights and the prefix its parameters have there. */
import {
  add,
  asType,
  cast,
  cat,
  cos,
  floats,
  layerNorm as layerNormOp,
  linear as linearOp,
  mul,
  neg,
  repeat,
  rmsNorm as rmsNormOp,
  roll,
  sin,
  toDevice,
} from "../torch/ops.ts";
import type { DType, Tensor } from "../torch/tensor.ts";
import { lowRank } from "./lora.ts";
import type { Rotation } from "./model.ts";
import type { Weights } from "./weights.ts";

/** x Wᵀ + b; the bias where the checkpoint has one, and the adapter's change where the layer has one. */
export function linear(weights: Weights, prefix: string, x: Tensor): Tensor {
  const bias = `${prefix}.bias`;
  const y = linearOp(x, weights.get(`${prefix}.weight`), weights.has(bias) ? weights.get(bias) : undefined);
  const change = lowRank(weights, prefix, x);
  return change ? add(y, change) : y;
}

/** Root-mean-square normalisation over the last dimension. */
export function rmsNorm(weights: Weights, prefix: string, x: Tensor, eps: number): Tensor {
  return rmsNormOp(x, weights.get(`${prefix}.weight`), eps);
}

/** Normalisation to mean 0 and variance 1 over the last dimension. */
export function layerNorm(weights: Weights, prefix: string, x: Tensor, eps: number): Tensor {
  return layerNormOp(x, weights.get(`${prefix}.weight`), weights.get(`${prefix}.bias`), eps);
}

/** Rotary embedding over the last dimension: x·cos + (x₂, x₁)·(−sin, sin). x [T, heads, E]. */
export function rotate(x: Tensor, { cos, signedSin }: Rotation): Tensor {
  const wide = asType(x, cos.dtype);
  return asType(add(mul(wide, cos), mul(roll(wide, [x.size(-1) / 2], [-1]), signedSin)), x.dtype);
}

/** The rotation for angles given per token over half the head width, [T, E/2] row-major. */
export function rotation(angles: Float32Array, tokens: number, dtype: DType, device: string): Rotation {
  const half = angles.length / tokens;
  const angles_T1h = floats(angles, [tokens, 1, half]);
  const sines = sin(angles_T1h);
  const place = (x: Tensor) => toDevice(cast(x, dtype), device);
  return { cos: place(repeat(cos(angles_T1h), [1, 1, 2])), signedSin: place(cat([neg(sines), sines], -1)) };
}
