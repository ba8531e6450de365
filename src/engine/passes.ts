/**
 * @file What scoring and training share: packs laid out for one forward pass, and logits in chunks. A pack comes with the
 * features of its images; chunks, since a whole [tokens, vocabulary] table is never held.
 */
import type { Attention, Model, Pack, TokenInput } from "../models/model.ts";
import { attentionOf } from "../models/varlen-attention.ts";
import type { Weights } from "../models/weights.ts";
import type { ImageInput } from "../records.ts";
import { cat, indexSelect, ints, toDevice } from "../torch/ops.ts";
import { noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { maskedLogits } from "./logprobs.ts";
import { type Bundle, pack, type Span } from "./packing.ts";

/** Features of images, [M, D]. */
export type Features = (images: readonly ImageInput[]) => Tensor;

/** A pack, with what its images were encoded to. */
type Input = TokenInput & Pick<Pack, "images">;

export class Passes {
  readonly model: Model;
  readonly mask_V: Tensor;
  readonly #logitChunk: number;

  /** `mask_V` is that of `placeholderMask`; it stays the caller's. `logitChunk`: elements of one chunk of logits. */
  constructor(model: Model, mask_V: Tensor, logitChunk: number) {
    this.model = model;
    this.mask_V = mask_V;
    this.#logitChunk = logitChunk;
  }

  /** Bundles end to end; `spans[b]` says where the ids of bundle b's branches are predicted from. */
  lay(
    weights: Weights,
    bundles: readonly Bundle[],
    features: Features,
  ): { input: Input; attention: Attention; spans: Span[][] } {
    const { pack: packed, spans } = pack(this.model, bundles);
    const input = { ...packed, ...(packed.images.length > 0 && { features_MD: features(packed.images) }) };
    return { input, attention: attentionOf(packed.trees, this.model.shape, weights.dtype, this.mask_V.device), spans };
  }

  /** Masked logits [rows, V] from some rows of the hidden states. */
  logits(weights: Weights, hidden_TD: Tensor, rows: readonly number[]): Tensor {
    return tidy(() => {
      const picked = indexSelect(hidden_TD, 0, toDevice(ints(rows), hidden_TD.device));
      return maskedLogits(this.model, weights, picked, this.mask_V);
    });
  }

  /** Stretches of the spans' tokens, small enough for their logits to be held. */
  *chunks(spans: readonly (readonly Span[])[]): Generator<{ start: number; rows: number[]; ids: number[] }> {
    const rows = spans.flat().flatMap((span) => span.rows);
    const ids = spans.flat().flatMap((span) => span.ids);
    const size = Math.max(1, Math.floor(this.#logitChunk / this.model.shape.vocabulary));
    for (let start = 0; start < ids.length; start += size) {
      yield { start, rows: rows.slice(start, start + size), ids: ids.slice(start, start + size) };
    }
  }
}

/** The values of float32 vectors, in one read from the device. */
export function readAll(vectors: readonly Tensor[]): Float32Array[] {
  if (vectors.length === 0) return [];
  const values = noGrad(() => tidy(() => cat(vectors, 0).toFloats()));
  let next = 0;
  return vectors.map((vector) => {
    const start = next;
    next += vector.size(0);
    return values.subarray(start, next);
  });
}

/** Chunked token values back into the spans' shape. */
export function unflatten(chunks: readonly Float32Array[], spans: readonly (readonly Span[])[]): number[][][] {
  const values = chunks.flatMap((chunk) => Array.from(chunk)).values();
  return spans.map((group) => group.map(({ ids }) => ids.map(() => values.next().value!)));
}
