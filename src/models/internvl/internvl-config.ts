/**
 * @file InternVL3's config.json in its two layouts: `-hf` and the original, whose remote code is not run. In transformers the
 * first is `InternVLForConditionalGeneration`; the original is `InternVLChatModel`. Both become the names of `-hf`.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../../util/errors.ts";
import { parseConfig, readJson } from "../config.ts";
import { count, evenHeads, type Json, qwen2Text, withRotary } from "../qwen2/qwen2-config.ts";

const text = qwen2Text.extend({
  model_type: z.literal("qwen2"),
  /** `dynamic` stretches positions only beyond `max_position_embeddings`, where nothing is computed here. */
  rope_type: z.enum(["default", "dynamic"]).default("default"),
});

/** A side in pixels; `-hf` writes height and width, which are equal in every release. */
const side = z.union([
  count,
  z
    .tuple([count, count])
    .refine(([height, width]) => height === width, "must be square")
    .transform(([height]) => height),
]);

const vision = z
  .object({
    num_hidden_layers: count,
    hidden_size: count,
    num_attention_heads: count,
    intermediate_size: count,
    image_size: side,
    patch_size: side,
    num_channels: z.literal(3).default(3),
    norm_type: z.enum(["layer_norm", "rms_norm"]),
    layer_norm_eps: z.number().positive().default(1e-6),
    /** Queries, keys and values are one layer in the original's files, three in those of `-hf`. */
    fused_attention: z.boolean(),
    attention_bias: z.boolean(),
    use_qk_norm: z.boolean(),
    qk_norm_eps: z.number().positive(),
    /** What a fresh tower's layer scales begin with. */
    layer_scale_init_value: z.number().default(0.1),
    hidden_act: z.literal("gelu").default("gelu"),
    use_absolute_position_embeddings: z.literal(true).default(true),
    use_mask_token: z.literal(false).default(false),
    use_mean_pooling: z.literal(true).default(true),
  })
  .refine(
    (vision) => vision.hidden_size % vision.num_attention_heads === 0,
    "hidden_size must be a multiple of num_attention_heads",
  );

const config = z
  .object({
    text,
    vision,
    image_token_id: z.int(),
    /** Tokens of a tile. The original's config does not say it. */
    image_seq_length: count.optional(),
    tie_word_embeddings: z.boolean(),
    downsample_ratio: z.number().refine((ratio) => Number.isInteger(1 / ratio), "must be one over a whole number"),
    projector_hidden_act: z.literal("gelu").default("gelu"),
    vision_feature_layer: z.literal(-1).default(-1),
    vision_feature_select_strategy: z.literal("default").default("default"),
    /** `v1` of the original's pixel shuffle transposes the image. */
    ps_version: z.literal("v2").default("v2"),
  })
  .refine(...evenHeads);

export type InternVLConfig = z.infer<typeof config>;

/** The config in a checkpoint folder. @throws UserError that lists every fault. */
export function readInternVLConfig(dir: string): InternVLConfig {
  const json = readJson(dir, "config.json");
  return parseConfig(
    config,
    json.model_type === "internvl_chat" ? original(dir, json) : hf(json),
    `${dir}/config.json`,
  );
}

/** Names as they are; values that transformers leaves out of a file filled in. */
function hf(json: Json): Json {
  const { text_config, vision_config } = json as { text_config?: Json; vision_config?: Json };
  return {
    downsample_ratio: 0.5,
    ...json,
    text: text_config && withRotary(text_config),
    vision: vision_config && {
      norm_type: "layer_norm",
      attention_bias: false,
      use_qk_norm: false,
      ...vision_config,
      fused_attention: false,
      qk_norm_eps: 1e-6,
    },
    tie_word_embeddings: json.tie_word_embeddings ?? text_config?.tie_word_embeddings ?? false,
  };
}

/** The original's names, and the defaults of its `InternVisionConfig` and `InternVLChatConfig`. */
function original(dir: string, json: Json): Json {
  const { llm_config: llm, vision_config: vit } = json as { llm_config?: Json; vision_config?: Json };
  return {
    text: llm && withRotary(llm),
    vision: vit && {
      norm_type: "rms_norm",
      ...vit,
      fused_attention: true,
      attention_bias: vit.qkv_bias ?? false,
      use_qk_norm: vit.qk_normalization ?? true,
      qk_norm_eps: vit.layer_norm_eps ?? 1e-6,
      layer_scale_init_value: vit.initializer_factor,
    },
    image_token_id: addedToken(dir, "<IMG_CONTEXT>"),
    tie_word_embeddings: llm?.tie_word_embeddings ?? false,
    downsample_ratio: json.downsample_ratio ?? 0.5,
    vision_feature_layer: json.select_layer,
    ps_version: json.ps_version,
  };
}

/** The id of an added token, by the file that the tokenizer has it from: the original's config does not say it. */
function addedToken(dir: string, spelling: string): number {
  const read = (name: string): Json => (existsSync(join(dir, name)) ? readJson(dir, name) : {});
  const decoder = Object.entries((read("tokenizer_config.json").added_tokens_decoder ?? {}) as Record<string, Json>);
  const listed = (read("tokenizer.json").added_tokens ?? []) as readonly Json[];
  const id =
    listed.find((token) => token.content === spelling)?.id ??
    decoder.find(([, token]) => token.content === spelling)?.[0] ??
    read("added_tokens.json")[spelling];
  if (id === undefined)
    throw new UserError(
      `The tokenizer in ${dir} has no token ${spelling}, which stands for the image.`,
      "Download the checkpoint's tokenizer files into the folder.",
    );
  return Number(id);
}
