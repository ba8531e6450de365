/** @file The layers that architectures share. Each takes the weights and the prefix its parameters have there. */
import {
  add,
  cast,
  cat,
  cos,
  floats,
  layerNorm as layerNormOp,
  linear as linearOp,
  neg,
  pad,
  repeat,
  reshape,
  rmsNorm as rmsNormOp,
  rotate as rotateOp,
  sin,
  split,
  toDevice,
} from "../torch/ops.ts";
import { bytesPer, type DType, type Tensor } from "../torch/tensor.ts";
import { lowRank } from "./lora.ts";
import type { Rotation } from "./model.ts";
import type { Weights } from "./weights.ts";

/** Zeros after the outputs and the inputs of a layer. */
interface Padding {
  readonly out?: number;
  readonly in?: number;
}

/**
 * x Wᵀ + b; the bias where the checkpoint has one, and the adapter's change where the layer has one. With padding, which an adapted
 * model cannot have, x and what comes out have so many columns of zeros more, and the layer as many rows and columns.
 */
export function linear(weights: Weights, prefix: string, x: Tensor, { out = 0, in: into = 0 }: Padding = {}): Tensor {
  const bias = `${prefix}.bias`;
  const padded = (tensor: Tensor, rows: number, columns: number) =>
    rows + columns > 0 ? pad(tensor, rows, columns) : tensor;
  const W = padded(weights.factor(`${prefix}.weight`), out, into);
  const b = weights.has(bias) ? weights.get(bias) : undefined;
  const y = linearOp(x, W, b && out > 0 ? reshape(pad(reshape(b, [1, -1]), 0, out), [-1]) : b);
  const change = lowRank(weights, prefix, x);
  return change ? add(y, change) : y;
}

/**
 * Layers of a block that read the same input x [T, in]: for each group of them their outputs side by side. Where sampling has joined the
 * weights of all these is one product (sampling-weights.ts), of which each group is a view.
 */
export function linears(weights: Weights, block: string, groups: readonly (readonly string[])[], x: Tensor): Tensor[] {
  const joined = weights.joined(groups.flat().map((name) => `${block}.${name}`));
  if (!joined) {
    const outputs = groups.map((names) => names.map((name) => linear(weights, `${block}.${name}`, x)));
    return outputs.map((group) => (group.length === 1 ? group[0]! : cat(group, 1)));
  }
  const { weight, bias, widths } = joined;
  const left = [...widths];
  const sizes = groups.map(({ length }) => left.splice(0, length).reduce((a, b) => a + b));
  return split(linearOp(x, weight, bias), sizes, 1);
}

/**
 * Columns of zeros to add to so many, that a GPU's matrix units can take them: a product over a width of halves that is no multiple of 8
 * falls back to kernels several times slower.
 */
export function columnsMissing(weights: Weights, columns: number): number {
  const isHalfOnGpu = bytesPer[weights.dtype] === 2 && weights.device !== "cpu";
  return isHalfOnGpu && !weights.adaptation ? (8 - (columns % 8)) % 8 : 0;
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
  return rotateOp(x, cos, signedSin);
}

/** The rotation for angles given per token over half the head width, [T, E/2] row-major. */
export function rotation(angles: Float32Array, tokens: number, dtype: DType, device: string): Rotation {
  const half = angles.length / tokens;
  const angles_T1h = floats(angles, [tokens, 1, half]);
  const sines = sin(angles_T1h);
  const place = (x: Tensor) => toDevice(cast(x, dtype), device);
  return { cos: place(repeat(cos(angles_T1h), [1, 1, 2])), signedSin: place(cat([neg(sines), sines], -1)) };
}
