/**
 * @file What the engine asks of an architecture, and the packed batches it hands over. A new family is one file that
 * implements `Model` and one line in `registry.ts`.
 *
 * Shape suffixes: T tokens of a pack, B sequences, D hidden, H query heads, K key/value heads, E head width,
 * V vocabulary, P vision patches, M merged patches.
 */
import type { ImageInput, ImageLayout } from "../records.ts";
import type { Tensor } from "../torch/tensor.ts";
import type { BlockCost, TowerCost } from "./block-cost.ts";
import type { Stages } from "./stages.ts";
import type { Weights } from "./weights.ts";

/**
 * A stretch of a pack: a root (a prompt, with its images) and branches that each continue it without seeing each other.
 * One branch or none makes an ordinary sequence; n completions of one prompt share the root's work.
 */
export interface Tree {
  readonly root: number;
  readonly branches: readonly number[];
}

/** Tokens in a tree. */
export function treeLength(tree: Tree): number {
  return tree.branches.reduce((a, b) => a + b, tree.root);
}

/** Sequences laid end to end, never padded: tree after tree, each root first, then its branches. */
export interface Pack {
  readonly ids: readonly number[];
  /** One row a position axis (Qwen2.5-VL: temporal, height, width), each as long as `ids`. */
  readonly positions: readonly (readonly number[])[];
  readonly trees: readonly Tree[];
  /** In the order of their placeholders. */
  readonly images: readonly ImageInput[];
}

/** Positions of a prompt, and the one its continuation starts at on every axis. */
export interface Positions {
  readonly rows: readonly (readonly number[])[];
  readonly next: number;
}

/** Cosines and sines of every token's angles, [T, 1, E]; the rotation is computed in their type. */
export interface Rotation {
  readonly cos: Tensor;
  /** Negative in the first half of a head, which the second is turned into. */
  readonly signedSin: Tensor;
}

/** How tokens look at each other; the same layers serve training, scoring, prefill and decoding. */
export interface Attention {
  /** q_THE, k_TKE, v_TKE of one layer → [T, H*E]. */
  attend(layer: number, q_THE: Tensor, k_TKE: Tensor, v_TKE: Tensor): Tensor;
}

export interface ModelShape {
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headWidth: number;
  readonly hidden: number;
  /** Between the two halves of the feed-forward network. */
  readonly intermediate: number;
  readonly vocabulary: number;
  readonly maxPositions: number;
}

/** The parts that can be frozen, in the order data passes them. */
export const parts = ["vision", "connector", "embeddings", "language"] as const;
export type Part = (typeof parts)[number];

export interface Model {
  readonly shape: ModelShape;
  /** What a layer of the language model takes of the memory, a token; in a half precision or not. */
  layerCost(isHalf: boolean): BlockCost;
  /** Likewise the vision tower. */
  towerCost(isHalf: boolean): TowerCost;
  /** Id of the placeholder that stands for one image feature. */
  readonly imageTokenId: number;
  /** How images must be cut for `imageStages`. */
  readonly imageLayout: ImageLayout;
  /** Every parameter's name (as in the checkpoint's newest layout) and shape. */
  parameterShapes(): Map<string, readonly number[]>;
  /** The name above for a tensor's name in any checkpoint layout of the family. */
  canonicalName(name: string): string;
  partOf(parameter: string): Part;
  /** Linear layers that read the same input, by their prefixes: see `linears`. */
  readonly siblings: readonly (readonly string[])[];
  /**
   * What a fresh parameter begins as where that is not what its shape says: a number (a layer scale is neither 0 nor 1),
   * or its values row by row.
   */
  initialValue(parameter: string): number | readonly number[] | undefined;
  /** The parameter whose values a stored tensor repeats, by their names: the head of tied embeddings. */
  copyOf(name: string): string | undefined;
  positions(ids: readonly number[], images: readonly ImageInput[]): Positions;
  /** Vision tower, block by block, and connector, last: [M, D], image after image. `first` is no parameter's: pixels. */
  imageStages(weights: Weights, images: readonly ImageInput[]): Stages;
  /** Embeddings [T, D] of the tokens ids_T on the device. */
  embed(weights: Weights, ids_T: Tensor): Tensor;
  /** Embeddings [T, D] of a pack's tokens; `features_MD` replaces the placeholders'. */
  embedPack(weights: Weights, ids: readonly number[], features_MD?: Tensor): Tensor;
  /** Rotary angles of the tokens, as the layers take them. */
  rotation(weights: Weights, positions: TokenInput["positions"]): Rotation;
  /** One layer of the language model: x_TD → [T, D]. */
  layer(weights: Weights, index: number, x_TD: Tensor, turn: Rotation, attention: Attention): Tensor;
  /** The final normalisation, after the last layer. */
  finish(weights: Weights, x_TD: Tensor): Tensor;
  /** hidden_TD → logits [T, V]. */
  logits(weights: Weights, hidden_TD: Tensor): Tensor;
}

/** Tokens on their way into the language model, with the features of their images. */
export interface TokenInput {
  readonly ids: readonly number[];
  readonly positions: readonly (readonly number[])[];
  readonly features_MD?: Tensor;
}
