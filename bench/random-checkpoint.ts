/**
 * @file A checkpoint of any size with random weights, for measuring speed and memory: the tokenizer and processor of a donor
 * folder, its config with other sizes. Written tensor by tensor, so that it needs no memory of its own.
 */
import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readJson } from "../src/hub/checkpoint-files.ts";
import { readModel } from "../src/models/architectures.ts";
import { writeSafetensors } from "../src/torch/safetensors.ts";
import { stream } from "../src/util/random.ts";

/** What differs from the donor's files, by their names; objects are merged. */
export type Sizes = Readonly<Record<string, Values>>;
type Values = Readonly<Record<string, unknown>>;

/** Qwen2.5-0.5B's language model under the tiny base's tower and vocabulary: 0.36e9 parameters. */
export const QWEN_0_4B: Sizes = {
  "config.json": {
    hidden_size: 896,
    intermediate_size: 4864,
    num_hidden_layers: 24,
    num_attention_heads: 14,
    num_key_value_heads: 2,
    rope_scaling: { mrope_section: [8, 12, 12] },
    vision_config: { out_hidden_size: 896 },
  },
};

/** A released model's sizes, without the ids of its own tokenizer. */
function released(name: string): Values {
  const config = readJson(join("shapes", name), "config.json");
  return Object.fromEntries(Object.entries(config).filter(([key]) => !key.endsWith("token_id")));
}

export const QWEN_3B = (): Sizes => ({ "config.json": released("Qwen/Qwen2.5-VL-3B-Instruct") });

export const INTERNVL_2B = (): Sizes => ({
  "config.json": { ...released("OpenGVLab/InternVL3-2B-hf"), image_seq_length: 256 },
  "preprocessor_config.json": { size: { height: 448, width: 448 } },
  "processor_config.json": { image_seq_length: 256 },
});

/** Random values that every matrix repeats: as many as a layer's, so that no two rows are alike. */
const NOISE = 2 ** 22;

/** Writes the folder `dir` in bfloat16: norms 1, biases 0, everything else uniform with a deviation of 0.02. */
export function writeRandomCheckpoint(dir: string, donor: string, sizes: Sizes): void {
  mkdirSync(dir, { recursive: true });
  for (const name of readdirSync(donor)) {
    if (name.includes("safetensors")) continue;
    cpSync(join(donor, name), join(dir, name));
    const own = sizes[name];
    if (own) writeFileSync(join(dir, name), JSON.stringify(merged(readJson(donor, name), own), null, 2));
  }
  const shapes = readModel(dir).parameterShapes();
  const infos = [...shapes].map(([name, shape]) => ({ name, dtype: "bfloat16" as const, shape }));
  const noise = noiseBytes();
  writeSafetensors(
    join(dir, "model.safetensors"),
    infos,
    ({ name, shape }) => {
      const bytes = new Uint8Array(2 * shape.reduce((a, b) => a * b, 1));
      // 1.0 in bfloat16 is 0x3f80.
      if (shape.length === 1) return name.endsWith(".weight") ? bytes.map((_, i) => (i % 2 ? 0x3f : 0x80)) : bytes;
      for (let at = 0; at < bytes.length; at += noise.length) bytes.set(noise.subarray(0, bytes.length - at), at);
      return bytes;
    },
    { format: "pt" },
  );
}

function noiseBytes(): Uint8Array {
  const random = stream(1, "noise");
  const values = Float32Array.from({ length: NOISE }, () => 0.02 * 12 ** 0.5 * (random.float() - 0.5));
  // The upper half of a float32 is its bfloat16, rounded towards zero.
  const halves = new Uint16Array(values.buffer);
  return new Uint8Array(Uint16Array.from({ length: NOISE }, (_, i) => halves[2 * i + 1]!).buffer);
}

function merged(base: Values, over: Values): Values {
  const isObject = (value: unknown): value is Values =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  return Object.fromEntries(
    [...new Set([...Object.keys(base), ...Object.keys(over)])].map((key) => {
      const [old, fresh] = [base[key], over[key]];
      if (isObject(old) && isObject(fresh)) return [key, merged(old, fresh)];
      return [key, key in over ? fresh : old];
    }),
  );
}
