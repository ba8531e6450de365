/**
 * @file Qwen2.5's language model (`Qwen2Model` in transformers), as vision-language architectures build on it. Each adds its
 * vision tower, where that puts a token, and the names its checkpoints use.
 */
import type { ImageInput, ImageLayout } from "../../records.ts";
import {
  add,
  embedding,
  gated,
  indexCopy,
  ints,
  linear as linearOp,
  reshape,
  split,
  toDevice,
} from "../../torch/ops.ts";
import type { Tensor } from "../../torch/tensor.ts";
import { type BlockCost, normKept, sumValues, type TowerCost } from "../block-cost.ts";
import { linear, linears, rmsNorm, rotate, rotation } from "../layers.ts";
import type { Attention, Model, ModelShape, Part, Positions, Rotation, TokenInput } from "../model.ts";
import type { Shapes } from "../parameter-shapes.ts";
import type { Stages } from "../stages.ts";
import type { Weights } from "../weights.ts";
import type { Qwen2Text } from "./qwen2-config.ts";

export const LANGUAGE = "model.language_model";
const EMBEDDINGS = `${LANGUAGE}.embed_tokens.weight`;
const HEAD = "lm_head.weight";
/** Layers that read the same input, those in one group used side by side. */
const QK_V = [["q_proj", "k_proj"], ["v_proj"]];
const GATE_UP = [["gate_proj"], ["up_proj"]];

/** What a language model has to know of the architecture it is part of. */
export interface Surroundings {
  readonly text: Qwen2Text;
  /** The embeddings are the head's weights too. */
  readonly tied: boolean;
  /** Id of the placeholders that image features replace. */
  readonly imageToken: number;
  /** Which row of positions turns each of the rotary frequencies. */
  readonly axes: readonly number[];
  /** What the connector's parameters begin with; everything else outside the language model is vision. */
  readonly connector: string;
}

export abstract class Qwen2Language implements Model {
  readonly shape: ModelShape;
  readonly #around: Surroundings;
  readonly #frequencies: Float32Array;

  constructor(around: Surroundings) {
    this.#around = around;
    const { text } = around;
    const headWidth = text.hidden_size / text.num_attention_heads;
    this.shape = {
      layers: text.num_hidden_layers,
      heads: text.num_attention_heads,
      kvHeads: text.num_key_value_heads,
      headWidth,
      hidden: text.hidden_size,
      intermediate: text.intermediate_size,
      vocabulary: text.vocab_size,
      maxPositions: text.max_position_embeddings,
    };
    this.#frequencies = Float32Array.from(
      { length: headWidth / 2 },
      (_, i) => 1 / text.rope_theta ** ((2 * i) / headWidth),
    );
  }

  get imageTokenId(): number {
    return this.#around.imageToken;
  }

  abstract readonly imageLayout: ImageLayout;
  abstract canonicalName(name: string): string;
  abstract positions(ids: readonly number[], images: readonly ImageInput[]): Positions;
  abstract imageStages(weights: Weights, images: readonly ImageInput[]): Stages;
  /** Parameters of the vision tower and the connector. */
  protected abstract visionShapes(): Shapes;

  parameterShapes(): Map<string, readonly number[]> {
    const { text, tied } = this.#around;
    const { hidden_size: D, intermediate_size: F } = text;
    const kv = this.shape.kvHeads * this.shape.headWidth;
    const shapes = this.visionShapes();
    shapes.set(EMBEDDINGS, [text.vocab_size, D]);
    for (let i = 0; i < text.num_hidden_layers; i++) {
      const block = `${LANGUAGE}.layers.${i}`;
      shapes.set(`${block}.input_layernorm.weight`, [D]).set(`${block}.post_attention_layernorm.weight`, [D]);
      shapes.linear(`${block}.self_attn.q_proj`, D, D);
      for (const name of ["k_proj", "v_proj"]) shapes.linear(`${block}.self_attn.${name}`, kv, D);
      shapes.linear(`${block}.self_attn.o_proj`, D, D, false);
      for (const name of ["gate_proj", "up_proj"]) shapes.linear(`${block}.mlp.${name}`, F, D, false);
      shapes.linear(`${block}.mlp.down_proj`, D, F, false);
    }
    shapes.set(`${LANGUAGE}.norm.weight`, [D]);
    if (!tied) shapes.set(HEAD, [text.vocab_size, D]);
    return shapes;
  }

  partOf(parameter: string): Part {
    if (parameter === EMBEDDINGS || parameter === HEAD) return "embeddings";
    if (parameter.startsWith(`${LANGUAGE}.`)) return "language";
    return parameter.startsWith(this.#around.connector) ? "connector" : "vision";
  }

  get siblings(): readonly (readonly string[])[] {
    return Array.from({ length: this.shape.layers }, (_, i) => `${LANGUAGE}.layers.${i}`).flatMap((block) => [
      QK_V.flat().map((name) => `${block}.self_attn.${name}`),
      GATE_UP.flat().map((name) => `${block}.mlp.${name}`),
    ]);
  }

  initialValue(_parameter: string): number | readonly number[] | undefined {
    return undefined;
  }

  copyOf(name: string): string | undefined {
    return this.#around.tied && name === HEAD ? EMBEDDINGS : undefined;
  }

  rotation(weights: Weights, positions: TokenInput["positions"]): Rotation {
    const tokens = positions[0]!.length;
    const half = this.#frequencies.length;
    const angles = new Float32Array(tokens * half);
    for (let f = 0; f < half; f++) {
      const row = positions[this.#around.axes[f]!]!;
      for (let t = 0; t < tokens; t++) angles[t * half + f] = Math.fround(row[t]! * this.#frequencies[f]!);
    }
    return rotation(angles, tokens, weights.dtype, weights.device);
  }

  embed(weights: Weights, ids_T: Tensor): Tensor {
    return embedding(weights.get(EMBEDDINGS), ids_T);
  }

  embedPack(weights: Weights, ids: readonly number[], features_MD?: Tensor): Tensor {
    const { device } = weights;
    const x_TD = this.embed(weights, toDevice(ints(ids), device));
    if (!features_MD) return x_TD;
    const places = ids.flatMap((id, i) => (id === this.#around.imageToken ? [i] : []));
    return indexCopy(x_TD, 0, toDevice(ints(places), device), features_MD);
  }

  layer(weights: Weights, index: number, x_TD: Tensor, turn: Rotation, attention: Attention): Tensor {
    const block = `${LANGUAGE}.layers.${index}`;
    const eps = this.#around.text.rms_norm_eps;
    const normed = rmsNorm(weights, `${block}.input_layernorm`, x_TD, eps);
    const attended_TD = add(x_TD, this.#selfAttention(weights, index, normed, turn, attention));
    const again = rmsNorm(weights, `${block}.post_attention_layernorm`, attended_TD, eps);
    const [gate, up] = linears(weights, `${block}.mlp`, GATE_UP, again) as [Tensor, Tensor];
    return add(attended_TD, linear(weights, `${block}.mlp.down_proj`, gated(gate, up)));
  }

  layerCost(isHalf: boolean): BlockCost {
    const { hidden: D, intermediate: F, heads: H, kvHeads: K, headWidth: E } = this.shape;
    const norm = normKept(D, isHalf);
    return {
      // Queries and keys turned, queries again as attention lays them out, values, what attention made, twice, with its
      // normalisers; the sum after it; gate, up, their product.
      kept: sumValues(norm, norm, { attention: (4 * H + 2 * K) * E + H, compute: D + 3 * F }),
      forward: sumValues(norm, norm, {
        attention: (isHalf ? 5 * H + 2 * K : 4 * H) * E,
        compute: 6 * D + (3 * H + 4 * K) * E + 3 * F,
      }),
      backward: { compute: 3 * F + 2 * D },
    };
  }

  abstract towerCost(isHalf: boolean): TowerCost;

  finish(weights: Weights, x_TD: Tensor): Tensor {
    return rmsNorm(weights, `${LANGUAGE}.norm`, x_TD, this.#around.text.rms_norm_eps);
  }

  logits(weights: Weights, hidden_TD: Tensor): Tensor {
    return linearOp(hidden_TD, weights.factor(this.#around.tied ? EMBEDDINGS : HEAD));
  }

  #selfAttention(weights: Weights, layer: number, x_TD: Tensor, turn: Rotation, attention: Attention): Tensor {
    const { heads: H, kvHeads: K, headWidth: E } = this.shape;
    const T = x_TD.size(0);
    const prefix = `${LANGUAGE}.layers.${layer}.self_attn`;
    const [qk, v] = linears(weights, prefix, QK_V, x_TD) as [Tensor, Tensor];
    const [q_THE, k_TKE] = split(rotate(reshape(qk, [T, H + K, E]), turn), [H, K], 1) as [Tensor, Tensor];
    const v_TKE = reshape(v, [T, K, E]);
    return linear(weights, `${prefix}.o_proj`, attention.attend(layer, q_THE, k_TKE, v_TKE));
  }
}
