/**
 * @file Qwen2.5-VL's config.json, in the released files' layout and in transformers 5's nesting. The defaults are those of
 * transformers' `Qwen2_5_VLConfig`, `Qwen2_5_VLTextConfig` and `Qwen2_5_VLVisionConfig`.
 */
import { z } from "zod";
import { readJson } from "../../hub/checkpoint-files.ts";
import { parseConfig } from "../config.ts";
import { count, fits, layerCount, qwen2Text, withRotary } from "../qwen2/qwen2-config.ts";

const section = z
  .int()
  .nonnegative()
  .max(2 ** 16);

const text = qwen2Text({
  vocab_size: 152064,
  hidden_size: 8192,
  intermediate_size: 29568,
  num_hidden_layers: 80,
  num_attention_heads: 64,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-5,
  rope_theta: 1e6,
}).extend({
  mrope_section: z.tuple([section, section, section]).default([16, 24, 24]),
  rope_type: z.enum(["default", "mrope"]).default("default"),
});

const vision = z
  .object({
    depth: layerCount.default(32),
    hidden_size: count.default(3584),
    num_heads: count.default(16),
    intermediate_size: count.default(3420),
    out_hidden_size: count.default(3584),
    in_channels: z.literal(3).default(3),
    patch_size: count.default(14),
    spatial_merge_size: count.default(2),
    temporal_patch_size: count.default(2),
    window_size: count.default(112),
    fullatt_block_indexes: z.array(z.int().nonnegative()).default([7, 15, 23, 31]),
    hidden_act: z.literal("silu").default("silu"),
  })
  .refine(({ hidden_size, num_heads }) => hidden_size % (4 * num_heads) === 0, {
    path: ["hidden_size"],
    error: "must be a multiple of four times num_heads",
  })
  .refine(({ window_size, patch_size, spatial_merge_size }) => window_size >= patch_size * spatial_merge_size, {
    path: ["window_size"],
    error: "must hold a merged patch",
  });

const config = z
  .object({
    text,
    vision,
    image_token_id: z.int().nonnegative().default(151655),
    tie_word_embeddings: z.boolean().default(false),
  })
  .refine(...fits.heads)
  .refine(...fits.groups)
  .refine(
    ({ text }) => text.mrope_section.reduce((a, b) => a + b) * 2 * text.num_attention_heads === text.hidden_size,
    "mrope_section must add up to half the head width",
  )
  .refine(
    ({ text, vision }) => text.hidden_size === vision.out_hidden_size,
    "vision.out_hidden_size must be text.hidden_size",
  )
  // Files written before transformers 5 say it of the language model alone.
  .transform((config) => ({
    ...config,
    tie_word_embeddings: config.tie_word_embeddings || (config.text.tie_word_embeddings ?? false),
  }));

export type Qwen2_5_VLConfig = z.infer<typeof config>;

/** The config in a checkpoint folder. @throws UserError that lists every fault. */
export function readQwen2_5_VLConfig(dir: string): Qwen2_5_VLConfig {
  const json = readJson(dir, "config.json");
  const { image_token_id, tie_word_embeddings } = json;
  const [text, vision] = [withRotary(json.text_config ?? json), json.vision_config ?? {}];
  return parseConfig(config, { text, vision, image_token_id, tie_word_embeddings }, `${dir}/config.json`);
}
