/**
 * @file What scoring and training share: packs laid out for one forward pass, and logits in chunks. A pack comes with the
 * features of its images; chunks, since a whole [tokens, vocabulary] table is never held.
 */
import type { Attention, Model, TokenInput } from "../models/model.ts";
import { attentionOf } from "../models/varlen-attention.ts";
import type { Weights } from "../models/weights.ts";
import type { ImageInput } from "../records.ts";
import { indexSelect, ints, toDevice } from "../torch/ops.ts";
import { noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { FeatureCache } from "./features.ts";
import { maskedLogits } from "./logprobs.ts";
import { type Bundle, pack, type Span } from "./packing.ts";

/** Bytes of image features kept: some thousand images of the tiny base, about a hundred of a model of 3B. */
const FEATURE_BYTES = 2 ** 27;

export class Passes {
  readonly model: Model;
  readonly mask_V: Tensor;
  readonly #visionFrozen: boolean;
  readonly #logitChunk: number;
  readonly #features = new FeatureCache(FEATURE_BYTES);

  /** `mask_V` is that of `placeholderMask`; it stays the caller's. `logitChunk`: elements of one chunk of logits. */
  constructor(model: Model, mask_V: Tensor, visionFrozen: boolean, logitChunk: number) {
    this.model = model;
    this.mask_V = mask_V;
    this.#visionFrozen = visionFrozen;
    this.#logitChunk = logitChunk;
  }

  /** Bundles end to end; `spans[b]` says where the ids of bundle b's branches are predicted from. */
  lay(weights: Weights, bundles: readonly Bundle[]): { input: TokenInput; attention: Attention; spans: Span[][] } {
    const { pack: packed, spans } = pack(this.model, bundles);
    const features_MD = this.encode(weights, packed.images);
    const input = { ...packed, ...(features_MD && { features_MD }) };
    return { input, attention: attentionOf(packed.trees, this.model.shape, weights.dtype, this.mask_V.device), spans };
  }

  /** Features of images, [M, D]; those of a frozen tower are remembered. */
  encode(weights: Weights, images: readonly ImageInput[]): Tensor | undefined {
    if (images.length === 0) return undefined;
    const encode = (some: readonly ImageInput[]) => tidy(() => this.model.encodeImages(weights, some));
    if (!this.#visionFrozen) return encode(images);
    return noGrad(() => this.#features.get(images, (image) => encode([image])));
  }

  /** Masked logits [rows, V] from some rows of the hidden states. */
  logits(weights: Weights, hidden_TD: Tensor, rows: readonly number[]): Tensor {
    const picked = indexSelect(hidden_TD, 0, toDevice(ints(rows), hidden_TD.device));
    return maskedLogits(this.model, weights, picked, this.mask_V);
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

  /** Forgets features that have not been used for long; called between passes. */
  trim(): void {
    this.#features.trim();
  }

  /** Forgets all features: the weights that made them are others now. */
  clear(): void {
    this.#features.clear();
  }
}

/** Chunked token values back into the spans' shape. */
export function unflatten(chunks: readonly Float32Array[], spans: readonly (readonly Span[])[]): number[][][] {
  const values = chunks.flatMap((chunk) => Array.from(chunk)).values();
  return spans.map((group) => group.map(({ ids }) => ids.map(() => values.next().value!)));
}
