/**
 * @file Log-probabilities of given tokens from hidden states. Always float32, always with the placeholder ids masked:
 * sampling, scoring and training use this one definition.
 */
import type { Model } from "../models/model.ts";
import type { Weights } from "../models/weights.ts";
import {
  add,
  cast,
  clamp,
  exp,
  floats,
  gather,
  ints,
  logSoftmax,
  mul_,
  neg,
  squeeze,
  sumDim,
  toDevice,
  unsqueeze,
} from "../torch/ops.ts";
import { Tensor, tidy } from "../torch/tensor.ts";

/**
 * Elements of a chunk of logits, tokens times vocabulary, unless it is said otherwise. A GPU reads the whole head for every chunk, adds up
 * a gradient of its size, and is uploaded to: the fewer chunks the better.
 */
export function defaultLogitChunk(device: string): number {
  return device === "cpu" ? 2 ** 25 : 2 ** 27;
}

/** A row to add to logits: -inf at ids only a processor may write, 0 elsewhere. [V] float32 */
export function placeholderMask(vocabulary: number, ids: readonly number[], device: string): Tensor {
  const row = new Float32Array(vocabulary);
  for (const id of ids) row[id] = Number.NEGATIVE_INFINITY;
  return toDevice(floats(row, [vocabulary]), device);
}

/** Masked float32 logits [T, V] of hidden states [T, D]. */
export function maskedLogits(model: Model, weights: Weights, hidden_TD: Tensor, mask_V: Tensor): Tensor {
  return add(cast(model.logits(weights, hidden_TD), "float32"), mask_V);
}

/** log p(id) for one id a row, given as numbers or on the device [T]: logits_TV → [T]. */
export function tokenLogprobs(logits_TV: Tensor, ids: readonly number[] | Tensor): Tensor {
  const index_T1 = ids instanceof Tensor ? unsqueeze(ids, 1) : toDevice(ints(ids, [ids.length, 1]), logits_TV.device);
  return squeeze(gather(logSoftmax(logits_TV, 1), 1, index_T1), 1);
}

/** Entropy of each row's distribution in nats, without a graph: masked logits_TV → [T]. */
export function entropies(logits_TV: Tensor): Tensor {
  // What is less likely adds nothing in float32, and a processor's exp is ten times slower where it underflows.
  const logs_TV = tidy(() => clamp(logSoftmax(logits_TV, 1), -80, null));
  return neg(sumDim(mul_(exp(logs_TV), logs_TV), [1]));
}
