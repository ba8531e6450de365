/** @file Qwen2.5-VL's config.json, in the released files' layout and in transformers 5's nesting. */
import { z } from "zod";
import { parseConfig, readJson } from "./config.ts";

const count = z.int().positive();

const text = z.object({
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count,
  max_position_embeddings: count,
  rms_norm_eps: z.number().positive().default(1e-5),
  rope_theta: z.number().positive(),
  mrope_section: z.tuple([z.int(), z.int(), z.int()]),
  // What is not computed here is refused: stretched positions, windows over text, other activations.
  rope_type: z.enum(["default", "mrope"]).default("default"),
  use_sliding_window: z.literal(false).default(false),
  hidden_act: z.literal("silu").default("silu"),
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
  .refine(
    ({ text }) => text.hidden_size % text.num_attention_heads === 0,
    "hidden_size must be a multiple of num_attention_heads",
  )
  .refine(
    ({ text }) => text.mrope_section.reduce((a, b) => a + b) * 2 * text.num_attention_heads === text.hidden_size,
    "mrope_section must add up to half the head width",
  );

export type Qwen2_5_VLConfig = z.infer<typeof config>;

type Json = Record<string, unknown>;

/** The config in a checkpoint folder. @throws UserError that lists every fault. */
export function readQwen2_5_VLConfig(dir: string): Qwen2_5_VLConfig {
  const json = readJson(dir, "config.json");
  const nested = (json.text_config ?? json) as Json;
  const rope = { ...(nested.rope_scaling as Json), ...(nested.rope_parameters as Json) };
  return parseConfig(
    config,
    {
      text: {
        ...nested,
        rope_theta: nested.rope_theta ?? rope.rope_theta,
        rope_type: rope.rope_type ?? rope.type,
        mrope_section: rope.mrope_section,
      },
      vision: json.vision_config,
      image_token_id: json.image_token_id,
      tie_word_embeddings: Boolean(json.tie_word_embeddings) || Boolean(nested.tie_word_embeddings),
    },
    `${dir}/config.json`,
  );
}
