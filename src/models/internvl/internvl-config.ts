/**
 * @file InternVL3's config.json in its two layouts: `-hf` and the original, whose remote code is not run. In transformers the
 * first is `InternVLForConditionalGeneration`; the original is `InternVLChatModel`. Both become the names of `-hf`. The defaults
 * are those of `InternVLConfig`, `InternVLVisionConfig` and `Qwen2Config`, and of the original's `InternVLChatConfig` and
 * `InternVisionConfig`.
 */
import { z } from "zod";
import { readJson, readJsonIfPresent } from "../../hub/checkpoint-files.ts";
import { UserError } from "../../util/errors.ts";
import { isObject, type JsonObject } from "../../util/json-object.ts";
import { parseConfig } from "../config.ts";
import { count, epsilon, fits, layerCount, qwen2Text, withRotary } from "../qwen2/qwen2-config.ts";
import { storedNames } from "../weight-files.ts";

const text = qwen2Text({
  vocab_size: 151936,
  hidden_size: 4096,
  intermediate_size: 22016,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  rms_norm_eps: 1e-6,
  rope_theta: 1e4,
}).extend({
  model_type: z.literal("qwen2").default("qwen2"),
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
    num_hidden_layers: layerCount,
    hidden_size: count,
    num_attention_heads: count,
    intermediate_size: count,
    image_size: side,
    patch_size: side,
    num_channels: z.literal(3).default(3),
    norm_type: z.enum(["layer_norm", "rms_norm"]),
    layer_norm_eps: epsilon,
    /** Queries, keys and values are one layer in the original's files, three in those of `-hf`. */
    fused_attention: z.boolean(),
    attention_bias: z.boolean(),
    use_qk_norm: z.boolean(),
    qk_norm_eps: epsilon,
    /** What a fresh tower's layer scales begin with. */
    layer_scale_init_value: z.number().default(0.1),
    hidden_act: z.literal("gelu").default("gelu"),
    use_absolute_position_embeddings: z.literal(true).default(true),
    use_mask_token: z.literal(false).default(false),
    use_mean_pooling: z.literal(true).default(true),
  })
  .refine(({ hidden_size, num_attention_heads }) => hidden_size % num_attention_heads === 0, {
    path: ["hidden_size"],
    error: "must be a multiple of num_attention_heads",
  });

const config = z
  .object({
    text,
    vision,
    image_token_id: z.int().nonnegative(),
    /** Tokens of a tile. The original's config does not say it. */
    image_seq_length: count.optional(),
    tie_word_embeddings: z.boolean(),
    downsample_ratio: z
      .number()
      .min(1 / 64)
      .max(1)
      .refine((ratio) => Number.isInteger(1 / ratio), "must be one over a whole number")
      .default(0.5),
    projector_hidden_act: z.literal("gelu").default("gelu"),
    vision_feature_layer: z.literal(-1).default(-1),
    vision_feature_select_strategy: z.literal("default").default("default"),
    /** `v1` of the original's pixel shuffle transposes the image. */
    ps_version: z.literal("v2"),
  })
  .refine(...fits.heads)
  .refine(...fits.groups);

export type InternVLConfig = z.infer<typeof config>;

/** The config in a checkpoint folder. @throws UserError that lists every fault. */
export function readInternVLConfig(dir: string): InternVLConfig {
  const json = readJson(dir, "config.json");
  const named = json.model_type === "internvl_chat" ? original(dir, json) : hf(dir, json);
  return parseConfig(config, named, `${dir}/config.json`);
}

/** The values for what a part of the config leaves out; anything but an object is left for the schema to refuse. */
function withDefaults(part: unknown, defaults: JsonObject): unknown {
  return isObject(part ?? {}) ? { ...defaults, ...(part as JsonObject | null) } : part;
}

function hf(dir: string, json: JsonObject): JsonObject {
  const vision = withDefaults(json.vision_config, {
    num_hidden_layers: 24,
    hidden_size: 1024,
    num_attention_heads: 16,
    intermediate_size: 4096,
    image_size: 448,
    patch_size: 14,
    norm_type: "layer_norm",
    layer_norm_eps: 1e-6,
    attention_bias: false,
    use_qk_norm: false,
  });
  const text = withRotary(json.text_config ?? {});
  return {
    image_token_id: 151667,
    image_seq_length: 256,
    ...json,
    text,
    vision: isObject(vision) ? { ...vision, fused_attention: false, qk_norm_eps: 1e-6 } : vision,
    tie_word_embeddings: json.tie_word_embeddings ?? (text as JsonObject).tie_word_embeddings ?? !storesHead(dir),
    ps_version: "v2",
  };
}

/**
 * Does the checkpoint hold a head of its own? transformers 5 ties embeddings where a config is silent, but not if the file says
 * otherwise; transformers 4 was silent where it did not tie.
 */
function storesHead(dir: string): boolean {
  return storedNames(dir).some((name) => name.endsWith("lm_head.weight"));
}

function original(dir: string, json: JsonObject): JsonObject {
  const vision = withDefaults(json.vision_config, {
    num_hidden_layers: 48,
    hidden_size: 3200,
    num_attention_heads: 25,
    intermediate_size: 12800,
    image_size: 224,
    patch_size: 14,
    norm_type: "rms_norm",
    layer_norm_eps: 1e-6,
    qkv_bias: false,
    qk_normalization: true,
    initializer_factor: 0.1,
  });
  const text = withRotary(json.llm_config ?? {});
  return {
    // The class of the language model is chosen by its architecture.
    text: isObject(text) ? { model_type: architectureOf(text), ...text } : text,
    vision: isObject(vision)
      ? {
          ...vision,
          fused_attention: true,
          attention_bias: vision.qkv_bias,
          use_qk_norm: vision.qk_normalization,
          qk_norm_eps: vision.layer_norm_eps,
          layer_scale_init_value: vision.initializer_factor,
        }
      : vision,
    image_token_id: addedToken(dir, "<IMG_CONTEXT>"),
    tie_word_embeddings: (text as JsonObject).tie_word_embeddings ?? false,
    downsample_ratio: json.downsample_ratio,
    vision_feature_layer: json.select_layer,
    ps_version: json.ps_version ?? "v1",
  };
}

function architectureOf({ architectures }: JsonObject): unknown {
  const name: unknown = Array.isArray(architectures) ? architectures[0] : undefined;
  return name === "Qwen2ForCausalLM" ? "qwen2" : (name ?? "none");
}

/** The id of an added token, by the file that the tokenizer has it from: the original's config does not say it. */
function addedToken(dir: string, spelling: string): number {
  const read = (name: string) => readJsonIfPresent(dir, name) ?? {};
  const isIt = (token: unknown) => isObject(token) && token.content === spelling;
  const { added_tokens } = read("tokenizer.json");
  const { added_tokens_decoder } = read("tokenizer_config.json");
  const listed: unknown = Array.isArray(added_tokens) ? added_tokens.find(isIt)?.id : undefined;
  const decoded = Object.entries(added_tokens_decoder ?? {}).find(([, token]) => isIt(token))?.[0];
  const id = Number(listed ?? decoded ?? read("added_tokens.json")[spelling]);
  if (Number.isInteger(id)) return id;
  throw new UserError(
    `The tokenizer in ${dir} has no token ${spelling}, which stands for the image.`,
    "Download the checkpoint's tokenizer files into the folder.",
  );
}
