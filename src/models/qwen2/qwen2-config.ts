/**
 * @file The fields of Qwen2.5's language model in a config.json, wherever an architecture keeps them. What a file leaves out has
 * the value of the architecture's config class in transformers, which does not write what its class says anyway.
 */
import { z } from "zod";
import { isObject, type JsonObject } from "../../util/json-object.ts";

/** Sizes beyond these are no model's: far above what is released, and nothing of such a size is made before it is refused. */
const LARGEST = 2 ** 24;
const MOST_LAYERS = 2 ** 12;

export const count = z.int().positive().max(LARGEST);
export const layerCount = z.int().positive().max(MOST_LAYERS);
export const epsilon = z.number().positive().max(0.1);

/** What `withRotary` reads out of it is checked where it stands then. */
const rotary = z.looseObject({}).nullish();

/**
 * The language model by its class's defaults of what the files leave out. Whatever is not computed here is refused: stretched
 * positions, windows over text, other activations.
 */
export function qwen2Text(defaults: {
  vocab_size: number;
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  rms_norm_eps: number;
  rope_theta: number;
}) {
  return z.object({
    vocab_size: count.default(defaults.vocab_size),
    hidden_size: count.default(defaults.hidden_size),
    intermediate_size: count.default(defaults.intermediate_size),
    num_hidden_layers: layerCount.default(defaults.num_hidden_layers),
    num_attention_heads: count.default(defaults.num_attention_heads),
    num_key_value_heads: count.default(defaults.num_key_value_heads),
    max_position_embeddings: count.default(32768),
    rms_norm_eps: epsilon.default(defaults.rms_norm_eps),
    rope_theta: z.number().min(1).max(1e12).default(defaults.rope_theta),
    use_sliding_window: z
      .literal([false, null])
      .default(false)
      .transform(() => false),
    layer_types: z.array(z.literal("full_attention")).nullish(),
    hidden_act: z.literal("silu").default("silu"),
    tie_word_embeddings: z.boolean().optional(),
    rope_scaling: rotary,
    rope_parameters: rotary,
  });
}

export type Qwen2Text = z.infer<ReturnType<typeof qwen2Text>>;

/** Checks of a config's `text`, each with what to say when it fails. */
export const fits = {
  heads: [
    ({ text }: { text: Qwen2Text }) => text.hidden_size % (2 * text.num_attention_heads) === 0,
    "text.hidden_size must be a multiple of twice num_attention_heads",
  ],
  groups: [
    ({ text }: { text: Qwen2Text }) => text.num_attention_heads % text.num_key_value_heads === 0,
    "text.num_attention_heads must be a multiple of num_key_value_heads",
  ],
} as const;

/** The text fields with the rotary ones beside them: transformers 5 nests those, and so did older files in part. */
export function withRotary(text: unknown): unknown {
  if (!isObject(text)) return text;
  const rope: JsonObject = { ...(text.rope_scaling as JsonObject), ...(text.rope_parameters as JsonObject) };
  return {
    ...text,
    num_key_value_heads: text.num_key_value_heads === null ? text.num_attention_heads : text.num_key_value_heads,
    rope_theta: text.rope_theta ?? rope.rope_theta,
    rope_type: rope.rope_type ?? rope.type,
    mrope_section: rope.mrope_section,
  };
}
