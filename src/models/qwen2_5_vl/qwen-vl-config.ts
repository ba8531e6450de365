/** @file Qwen2.5-VL's config.json, in the released files' layout and in transformers 5's nesting. */
import { z } from "zod";
import { parseConfig, readJson } from "../config.ts";
import { count, evenHeads, type Json, qwen2Text, withRotary } from "../qwen2/qwen2-config.ts";

const text = qwen2Text.extend({
  mrope_section: z.tuple([z.int(), z.int(), z.int()]),
  rope_type: z.enum(["default", "mrope"]).default("default"),
});

const vision = z.object({
  depth: count,
  hidden_size: count,
  num_heads: count,
  intermediate_size: count,
  out_hidden_size: count,
  in_channels: count.default(3),
  patch_size: count,
  spatial_merge_size: count,
  temporal_patch_size: count,
  window_size: count,
  fullatt_block_indexes: z.array(z.int().nonnegative()),
  hidden_act: z.literal("silu").default("silu"),
});

const config = z
  .object({
    text,
    vision,
    image_token_id: z.int(),
    tie_word_embeddings: z.boolean(),
  })
  .refine(...evenHeads)
  .refine(
    ({ text }) => text.mrope_section.reduce((a, b) => a + b) * 2 * text.num_attention_heads === text.hidden_size,
    "mrope_section must add up to half the head width",
  );

export type Qwen2_5_VLConfig = z.infer<typeof config>;

/** The config in a checkpoint folder. @throws UserError that lists every fault. */
export function readQwen2_5_VLConfig(dir: string): Qwen2_5_VLConfig {
  const json = readJson(dir, "config.json");
  const nested = (json.text_config ?? json) as Json;
  return parseConfig(
    config,
    {
      text: withRotary(nested),
      vision: json.vision_config,
      image_token_id: json.image_token_id,
      tie_word_embeddings: Boolean(json.tie_word_embeddings) || Boolean(nested.tie_word_embeddings),
    },
    `${dir}/config.json`,
  );
}
