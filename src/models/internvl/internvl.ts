/**
 * @file InternVL3: names and positions. In transformers it is `InternVLForConditionalGeneration`, in the original
 * `InternVLChatModel`. Its language model is in `qwen2-language.ts`, the vision tower in `internvl-vision.ts`.
 */

import type { ImageInput, ImageLayout } from "../../records.ts";
import { UserError } from "../../util/errors.ts";
import type { TowerCost } from "../block-cost.ts";
import type { Positions, Rotation, TokenInput } from "../model.ts";
import type { Shapes } from "../parameter-shapes.ts";
import { LANGUAGE, Qwen2Language } from "../qwen2/qwen2-language.ts";
import type { Stages } from "../stages.ts";
import type { Weights } from "../weights.ts";
import { type InternVLConfig, readInternVLConfig } from "./internvl-config.ts";
import {
  CONNECTOR,
  freshPositions,
  POSITIONS,
  TOWER,
  visionCost,
  visionShapes,
  visionStages,
} from "./internvl-vision.ts";

/** From the names before transformers 5 and from the original's, in this order. */
const RENAMINGS: readonly (readonly [RegExp, string])[] = [
  [/^(vision_tower|multi_modal_projector)\./, "model.$1."],
  [/^language_model\.lm_head\./, "lm_head."],
  [/^language_model\.model\./, `${LANGUAGE}.`],
  [/^mlp1\.0\./, `${CONNECTOR}.layer_norm.`],
  [/^mlp1\.1\./, `${CONNECTOR}.linear_1.`],
  [/^mlp1\.3\./, `${CONNECTOR}.linear_2.`],
  [/^vision_model\.embeddings\.class_embedding$/, `${TOWER}.embeddings.cls_token`],
  [/^vision_model\.embeddings\.position_embedding$/, `${TOWER}.embeddings.position_embeddings`],
  [/^vision_model\.embeddings\.patch_embedding\./, `${TOWER}.embeddings.patch_embeddings.projection.`],
  [/^vision_model\.encoder\.layers\./, `${TOWER}.encoder.layer.`],
  [/(\.layer\.\d+)\.attn\.proj\./, "$1.attention.projection_layer."],
  [/(\.layer\.\d+)\.attn\./, "$1.attention."],
  [/(\.layer\.\d+)\.norm1\./, "$1.layernorm_before."],
  [/(\.layer\.\d+)\.norm2\./, "$1.layernorm_after."],
  [/(\.layer\.\d+)\.ls([12])$/, "$1.lambda_$2"],
];

export class InternVL extends Qwen2Language {
  readonly config: InternVLConfig;

  constructor(config: InternVLConfig) {
    super({
      text: config.text,
      tied: config.tie_word_embeddings,
      imageToken: config.image_token_id,
      axes: new Array<number>(config.text.hidden_size / config.text.num_attention_heads / 2).fill(0),
      connector: `${CONNECTOR}.`,
    });
    this.config = config;
  }

  static read(dir: string): InternVL {
    return new InternVL(readInternVLConfig(dir));
  }

  /** Names of transformers 5, and `attention.qkv` in it for what only the original's files have in one. */
  canonicalName(name: string): string {
    return RENAMINGS.reduce((renamed, [from, to]) => renamed.replace(from, to), name);
  }

  /** Image tokens are counted like text. */
  positions(ids: readonly number[]): Positions {
    return { rows: [[...ids.keys()]], next: ids.length };
  }

  /** @throws UserError for a sequence so long that its positions would have to be stretched */
  override rotation(weights: Weights, positions: TokenInput["positions"]): Rotation {
    const { rope_type, max_position_embeddings: most } = this.config.text;
    if (rope_type === "dynamic" && positions[0]!.some((position) => position >= most))
      throw new UserError(
        `A sequence is longer than the ${most} tokens this model takes without stretched positions.`,
        "Ask for fewer new tokens, or shorten the prompt.",
      );
    return super.rotation(weights, positions);
  }

  override initialValue(parameter: string): number | readonly number[] | undefined {
    if (parameter === POSITIONS) return freshPositions(this.config.vision);
    return /\.lambda_[12]$/.test(parameter) ? this.config.vision.layer_scale_init_value : undefined;
  }

  imageStages(weights: Weights, images: readonly ImageInput[]): Stages {
    return visionStages(this.config, weights, images);
  }

  towerCost(): TowerCost {
    return visionCost(this.config);
  }

  /** A tile may be larger or smaller than the tower's own: positions are resized. */
  get imageLayout(): ImageLayout {
    const { vision, downsample_ratio, image_seq_length } = this.config;
    return {
      patchSize: vision.patch_size,
      mergeSize: Math.round(1 / downsample_ratio),
      temporalPatchSize: 1,
      tileTokens: image_seq_length,
    };
  }

  protected visionShapes(): Shapes {
    return visionShapes(this.config);
  }
}
