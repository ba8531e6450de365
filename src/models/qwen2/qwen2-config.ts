/** @file The fields of Qwen2.5's language model in a config.json, wherever an architecture keeps them. */
import { z } from "zod";

export const count = z.int().positive();

/** Whatever is not computed here is refused: stretched positions, windows over text, other activations. */
export const qwen2Text = z.object({
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count,
  max_position_embeddings: count,
  rms_norm_eps: z.number().positive().default(1e-5),
  rope_theta: z.number().positive(),
  use_sliding_window: z.literal(false).default(false),
  hidden_act: z.literal("silu").default("silu"),
});

export type Qwen2Text = z.infer<typeof qwen2Text>;

/** A check of a config's `text`, with what to say when it fails. */
export const evenHeads = [
  ({ text }: { text: Qwen2Text }) => text.hidden_size % text.num_attention_heads === 0,
  "hidden_size must be a multiple of num_attention_heads",
] as const;

export type Json = Record<string, unknown>;

/** The text fields with the rotary ones beside them: transformers 5 nests those, and so did older files in part. */
export function withRotary(text: Json): Json {
  const rope = { ...(text.rope_scaling as Json), ...(text.rope_parameters as Json) };
  return {
    ...text,
    rope_theta: text.rope_theta ?? rope.rope_theta,
    rope_type: rope.rope_type ?? rope.type,
    mrope_section: rope.mrope_section,
  };
}
