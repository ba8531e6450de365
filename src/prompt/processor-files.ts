/** @file Writes what a checkpoint folder needs beside weights and `config.json`: tokenizer, chat template, image processor. */

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { TrainedTokenizer } from "./bpe-train.ts";
import { IMAGENET_MEAN, IMAGENET_STD } from "./internvl-image.ts";
import { CLIP_MEAN, CLIP_STD } from "./qwen-image.ts";
import { INTERNVL_HF_TEMPLATE, QWEN_VL_TEMPLATE } from "./template.ts";

/** What InternVL adds to Qwen2's special tokens. */
export const INTERNVL_TOKENS = ["<img>", "</img>", "<IMG_CONTEXT>", "<video>"] as const;

/** Writes the files of a Qwen2.5-VL folder, so that Python's `AutoProcessor` loads it too. */
export function writeQwenFiles(
  dir: string,
  tokenizer: TrainedTokenizer,
  { minPixels, maxPixels }: { minPixels: number; maxPixels: number },
): void {
  writeTokenizer(dir, tokenizer, QWEN_VL_TEMPLATE);
  write(dir, "chat_template.json", { chat_template: QWEN_VL_TEMPLATE });
  write(dir, "preprocessor_config.json", {
    image_processor_type: "Qwen2VLImageProcessor",
    processor_class: "Qwen2_5_VLProcessor",
    min_pixels: minPixels,
    max_pixels: maxPixels,
    patch_size: 14,
    temporal_patch_size: 2,
    merge_size: 2,
    image_mean: CLIP_MEAN,
    image_std: CLIP_STD,
  });
}

/** Writes the files of an InternVL3 folder in the `-hf` layout: one tile of `tile` pixels, which becomes `tokens` tokens. */
export function writeInternVLFiles(
  dir: string,
  { tokenizerJson, tokenizerConfig }: TrainedTokenizer,
  { tile, tokens }: { tile: number; tokens: number },
): void {
  const config = {
    ...tokenizerConfig,
    chat_template: INTERNVL_HF_TEMPLATE,
    processor_class: "InternVLProcessor",
    context_image_token: "<IMG_CONTEXT>",
    start_image_token: "<img>",
    end_image_token: "</img>",
    video_token: "<video>",
  };
  writeTokenizer(dir, { tokenizerJson, tokenizerConfig: config }, INTERNVL_HF_TEMPLATE);
  const images = {
    do_convert_rgb: true,
    do_normalize: true,
    do_rescale: true,
    do_resize: true,
    image_mean: IMAGENET_MEAN,
    image_std: IMAGENET_STD,
    resample: 3,
    rescale_factor: 1 / 255,
    size: { height: tile, width: tile },
  };
  write(dir, "preprocessor_config.json", {
    image_processor_type: "GotOcr2ImageProcessor",
    processor_class: "InternVLProcessor",
    ...images,
    crop_to_patches: false,
    min_patches: 1,
    max_patches: 1,
  });
  write(dir, "video_preprocessor_config.json", {
    video_processor_type: "InternVLVideoProcessor",
    processor_class: "InternVLProcessor",
    ...images,
  });
  write(dir, "processor_config.json", { processor_class: "InternVLProcessor", image_seq_length: tokens });
}

function writeTokenizer(dir: string, { tokenizerJson, tokenizerConfig }: TrainedTokenizer, template: string): void {
  mkdirSync(dir, { recursive: true });
  write(dir, "tokenizer.json", tokenizerJson);
  write(dir, "tokenizer_config.json", tokenizerConfig);
  writeFileSync(path.join(dir, "chat_template.jinja"), template);
}

function write(dir: string, name: string, value: unknown): void {
  writeFileSync(path.join(dir, name), `${JSON.stringify(value, null, 2)}\n`);
}
