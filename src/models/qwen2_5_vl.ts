/**
 * @file Qwen2.5-VL (transformers: `Qwen2_5_VLForConditionalGeneration`): parameters by name, positions, language model.
 * The vision tower is in `qwen2_5_vl_vision.ts`.
 */
import type { ImageInput } from "../records.ts";
import {
  add,
  cat,
  embedding,
  indexCopy,
  ints,
  linear as linearOp,
  mul,
  reshape,
  silu,
  split,
  toDevice,
} from "../torch/ops.ts";
import type { Tensor } from "../torch/tensor.ts";
import { linear, type Rotation, rmsNorm, rotate, rotation } from "./layers.ts";
import type { Attention, Model, ModelShape, Part, Positions, TokenInput } from "./model.ts";
import { type Qwen2_5_VLConfig, readQwen2_5_VLConfig } from "./qwen2_5_vl_config.ts";
import { visionTower } from "./qwen2_5_vl_vision.ts";
import type { Weights } from "./weights.ts";

const LANGUAGE = "model.language_model";
const EMBEDDINGS = `${LANGUAGE}.embed_tokens.weight`;

export class Qwen2_5_VL implements Model {
  readonly config: Qwen2_5_VLConfig;
  readonly shape: ModelShape;
  readonly #frequencies: Float32Array;
  /** Which position row (temporal, height, width) turns each frequency. */
  readonly #axis: readonly number[];

  constructor(config: Qwen2_5_VLConfig) {
    this.config = config;
    const { text } = config;
    const headWidth = text.hidden_size / text.num_attention_heads;
    this.shape = {
      layers: text.num_hidden_layers,
      heads: text.num_attention_heads,
      kvHeads: text.num_key_value_heads,
      headWidth,
      hidden: text.hidden_size,
      vocabulary: text.vocab_size,
      maxPositions: text.max_position_embeddings,
    };
    this.#frequencies = Float32Array.from(
      { length: headWidth / 2 },
      (_, i) => 1 / text.rope_theta ** ((2 * i) / headWidth),
    );
    this.#axis = text.mrope_section.flatMap((count, row) => new Array<number>(count).fill(row));
  }

  static read(dir: string): Qwen2_5_VL {
    return new Qwen2_5_VL(readQwen2_5_VLConfig(dir));
  }

  /** Names of transformers 5; the released files say `visual.…` and `model.layers.…` for the same parameters. */
  canonicalName(name: string): string {
    if (name.startsWith("visual.")) return `model.${name}`;
    if (/^model\.(?!visual\.|language_model\.)/.test(name)) return name.replace(/^model\./, `${LANGUAGE}.`);
    return name;
  }

  parameterShapes(): Map<string, readonly number[]> {
    const { text, vision } = this.config;
    const shapes = new Map<string, readonly number[]>();
    const layer = (name: string, out: number, into: number, bias: boolean) => {
      shapes.set(`${name}.weight`, [out, into]);
      if (bias) shapes.set(`${name}.bias`, [out]);
    };
    const { hidden_size: VD, intermediate_size: VF, spatial_merge_size: merge } = vision;
    const patch = [vision.in_channels, vision.temporal_patch_size, vision.patch_size, vision.patch_size];
    shapes.set("model.visual.patch_embed.proj.weight", [VD, ...patch]);
    for (let i = 0; i < vision.depth; i++) {
      const block = `model.visual.blocks.${i}`;
      shapes.set(`${block}.norm1.weight`, [VD]).set(`${block}.norm2.weight`, [VD]);
      layer(`${block}.attn.qkv`, 3 * VD, VD, true);
      layer(`${block}.attn.proj`, VD, VD, true);
      for (const name of ["gate_proj", "up_proj"]) layer(`${block}.mlp.${name}`, VF, VD, true);
      layer(`${block}.mlp.down_proj`, VD, VF, true);
    }
    shapes.set("model.visual.merger.ln_q.weight", [VD]);
    layer("model.visual.merger.mlp.0", VD * merge ** 2, VD * merge ** 2, true);
    layer("model.visual.merger.mlp.2", vision.out_hidden_size, VD * merge ** 2, true);

    const { hidden_size: D, intermediate_size: F } = text;
    const kv = this.shape.kvHeads * this.shape.headWidth;
    shapes.set(EMBEDDINGS, [text.vocab_size, D]);
    for (let i = 0; i < text.num_hidden_layers; i++) {
      const block = `${LANGUAGE}.layers.${i}`;
      shapes.set(`${block}.input_layernorm.weight`, [D]).set(`${block}.post_attention_layernorm.weight`, [D]);
      layer(`${block}.self_attn.q_proj`, D, D, true);
      for (const name of ["k_proj", "v_proj"]) layer(`${block}.self_attn.${name}`, kv, D, true);
      layer(`${block}.self_attn.o_proj`, D, D, false);
      for (const name of ["gate_proj", "up_proj"]) layer(`${block}.mlp.${name}`, F, D, false);
      layer(`${block}.mlp.down_proj`, D, F, false);
    }
    shapes.set(`${LANGUAGE}.norm.weight`, [D]);
    if (!this.config.tie_word_embeddings) shapes.set("lm_head.weight", [text.vocab_size, D]);
    return shapes;
  }

  partOf(parameter: string): Part {
    if (parameter.startsWith("model.visual.merger.")) return "connector";
    if (parameter.startsWith("model.visual.")) return "vision";
    return parameter === EMBEDDINGS || parameter === "lm_head.weight" ? "embeddings" : "language";
  }

  /**
   * Multimodal rotary positions. Text advances all three rows together; an image keeps its temporal row still and
   * counts rows and columns of merged patches; the text after it goes on at its maximum plus one.
   */
  positions(ids: readonly number[], images: readonly ImageInput[]): Positions {
    const merge = this.config.vision.spatial_merge_size;
    const rows: [number[], number[], number[]] = [[], [], []];
    let next = 0;
    let image = 0;
    for (let i = 0; i < ids.length; ) {
      if (ids[i] !== this.config.image_token_id) {
        for (const row of rows) row.push(next);
        next++;
        i++;
        continue;
      }
      const input = images[image++];
      if (!input) throw new Error(`The prompt has placeholders for more than its ${images.length} images.`);
      const [t, h, w] = [input.grid_thw[0], input.grid_thw[1] / merge, input.grid_thw[2] / merge];
      for (let n = 0; n < t * h * w; n++) {
        rows[0].push(next + Math.floor(n / (h * w)));
        rows[1].push(next + (Math.floor(n / w) % h));
        rows[2].push(next + (n % w));
      }
      next += Math.max(t, h, w);
      i += t * h * w;
    }
    return { rows, next };
  }

  rotation(weights: Weights, positions: TokenInput["positions"]): Rotation {
    const tokens = positions[0]!.length;
    const half = this.#frequencies.length;
    const angles = new Float32Array(tokens * half);
    for (let f = 0; f < half; f++) {
      const row = positions[this.#axis[f]!]!;
      for (let t = 0; t < tokens; t++) angles[t * half + f] = Math.fround(row[t]! * this.#frequencies[f]!);
    }
    return rotation(angles, tokens, weights.dtype, weights.get(EMBEDDINGS).device);
  }

  encodeImages(weights: Weights, images: readonly ImageInput[]): Tensor {
    return visionTower(this.config.vision, weights, images);
  }

  embed(weights: Weights, ids: readonly number[], features_MD?: Tensor): Tensor {
    const table = weights.get(EMBEDDINGS);
    const x_TD = embedding(table, toDevice(ints(ids), table.device));
    if (!features_MD) return x_TD;
    const places = ids.flatMap((id, i) => (id === this.config.image_token_id ? [i] : []));
    return indexCopy(x_TD, 0, toDevice(ints(places), table.device), features_MD);
  }

  layer(weights: Weights, index: number, x_TD: Tensor, turn: Rotation, attention: Attention): Tensor {
    const block = `${LANGUAGE}.layers.${index}`;
    const eps = this.config.text.rms_norm_eps;
    const normed = rmsNorm(weights, `${block}.input_layernorm`, x_TD, eps);
    const attended_TD = add(x_TD, this.#selfAttention(weights, index, normed, turn, attention));
    const again = rmsNorm(weights, `${block}.post_attention_layernorm`, attended_TD, eps);
    const gate = silu(linear(weights, `${block}.mlp.gate_proj`, again));
    const gated = mul(gate, linear(weights, `${block}.mlp.up_proj`, again));
    return add(attended_TD, linear(weights, `${block}.mlp.down_proj`, gated));
  }

  finish(weights: Weights, x_TD: Tensor): Tensor {
    return rmsNorm(weights, `${LANGUAGE}.norm`, x_TD, this.config.text.rms_norm_eps);
  }

  logits(weights: Weights, hidden_TD: Tensor): Tensor {
    return linearOp(hidden_TD, weights.get(this.config.tie_word_embeddings ? EMBEDDINGS : "lm_head.weight"));
  }

  #selfAttention(weights: Weights, layer: number, x_TD: Tensor, turn: Rotation, attention: Attention): Tensor {
    const { heads: H, kvHeads: K, headWidth: E } = this.shape;
    const T = x_TD.size(0);
    const prefix = `${LANGUAGE}.layers.${layer}.self_attn`;
    const project = (name: string) => linear(weights, `${prefix}.${name}`, x_TD);
    const qk = rotate(reshape(cat([project("q_proj"), project("k_proj")], 1), [T, H + K, E]), turn);
    const [q_THE, k_TKE] = split(qk, [H, K], 1) as [Tensor, Tensor];
    const v_TKE = reshape(project("v_proj"), [T, K, E]);
    return linear(weights, `${prefix}.o_proj`, attention.attend(layer, q_THE, k_TKE, v_TKE));
  }
}
