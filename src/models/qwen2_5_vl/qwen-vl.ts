/**
 * @file Qwen2.5-VL (transformers: `Qwen2_5_VLForConditionalGeneration`): names and multimodal positions. Its language
 * model is in `qwen2-language.ts`, the vision tower in `qwen-vl-vision.ts`.
 */
import type { ImageInput, ImageLayout } from "../../records.ts";
import type { TowerCost } from "../block-cost.ts";
import type { Positions } from "../model.ts";
import type { Shapes } from "../parameter-shapes.ts";
import { LANGUAGE, Qwen2Language } from "../qwen2/qwen2-language.ts";
import type { Stages } from "../stages.ts";
import type { Weights } from "../weights.ts";
import { type Qwen2_5_VLConfig, readQwen2_5_VLConfig } from "./qwen-vl-config.ts";
import { visionCost, visionShapes, visionStages } from "./qwen-vl-vision.ts";

export class Qwen2_5_VL extends Qwen2Language {
  readonly config: Qwen2_5_VLConfig;

  constructor(config: Qwen2_5_VLConfig) {
    super({
      text: config.text,
      tied: config.tie_word_embeddings,
      imageToken: config.image_token_id,
      axes: config.text.mrope_section.flatMap((count, row) => new Array<number>(count).fill(row)),
      connector: "model.visual.merger.",
    });
    this.config = config;
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

  imageStages(weights: Weights, images: readonly ImageInput[]): Stages {
    return visionStages(this.config.vision, weights, images);
  }

  towerCost(isHalf: boolean): TowerCost {
    return visionCost(this.config.vision, isHalf);
  }

  get imageLayout(): ImageLayout {
    const { patch_size, spatial_merge_size, temporal_patch_size } = this.config.vision;
    return { patchSize: patch_size, mergeSize: spatial_merge_size, temporalPatchSize: temporal_patch_size };
  }

  protected visionShapes(): Shapes {
    return visionShapes(this.config.vision);
  }
}
