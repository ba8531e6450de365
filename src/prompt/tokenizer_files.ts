/** @file Writing what a Qwen2.5-VL folder needs beside weights and `config.json`: tokenizer, chat template, image processor. */

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { TrainedTokenizer } from "./bpe_train.ts";
import { CLIP_MEAN, CLIP_STD } from "./qwen_image.ts";
import { QWEN_VL_TEMPLATE } from "./template.ts";

/** Writes the tokenizer, template and processor files into `dir`, so that Python's `AutoProcessor` loads the folder too. */
export function writePromptFiles(
  dir: string,
  { tokenizerJson, tokenizerConfig }: TrainedTokenizer,
  { minPixels, maxPixels }: { minPixels: number; maxPixels: number },
): void {
  mkdirSync(dir, { recursive: true });
  const write = (name: string, value: unknown) =>
    writeFileSync(path.join(dir, name), `${JSON.stringify(value, null, 2)}\n`);
  write("tokenizer.json", tokenizerJson);
  write("tokenizer_config.json", tokenizerConfig);
  writeFileSync(path.join(dir, "chat_template.jinja"), QWEN_VL_TEMPLATE);
  write("chat_template.json", { chat_template: QWEN_VL_TEMPLATE });
  write("preprocessor_config.json", {
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
