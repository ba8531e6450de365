/**
 * @file Reads the recorded numbers of the small checkpoints of every family (see the README.md in each folder): what
 * transformers computes, for the comparison tests of the models, the sampler and the training step.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { named } from "../../src/prompt/image.ts";
import { Processor } from "../../src/prompt/prompt.ts";
import type { ImageInput } from "../../src/records.ts";

const HERE = import.meta.dirname;
const FAMILIES = ["qwen2_5_vl", "internvl"];

/** Where an array lies in the .bin file: `offset` in bytes, little-endian float32. */
interface Place {
  readonly dtype: "float32";
  readonly shape: readonly number[];
  readonly offset: number;
}

/** A recorded array, row-major. */
export interface GoldenArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** One prompt with its fixed completion. Arrays are under `<name>/logits`, `/last_logits`, `/logprobs`, … in `array()`. */
export interface GoldenPrompt {
  readonly name: string;
  /** Names of its images, in the order of their placeholders. */
  readonly images: readonly string[];
  /** The images as the model takes them. */
  readonly inputs: readonly ImageInput[];
  readonly question: string;
  /** The rendered chat, placeholders expanded to one id per feature. */
  readonly input_ids: readonly number[];
  readonly completion: string;
  /** `completion` tokenized, then `<|im_end|>`. */
  readonly completion_ids: readonly number[];
  readonly image_grid_thw: readonly (readonly [number, number, number])[];
  /** Rows of positions, each as long as prompt and completion together: three for M-RoPE, else one. */
  readonly position_ids: readonly (readonly number[])[];
  /** M-RoPE: position of the next token = number of tokens so far + this. */
  readonly rope_delta?: number;
  /** 24 greedy tokens after `input_ids`, the masked ids suppressed, end-of-sequence ignored. */
  readonly greedy_ids: readonly number[];
  /** Smallest lead, in logits, of a greedy choice over its runner-up. */
  readonly greedy_lead: number;
}

/** What is recorded of one parameter's gradient, flattened row-major to n entries. */
export interface GoldenGradient {
  /** L2 norm. */
  readonly norm: number;
  /** Sum over i of entry i times cos(i). */
  readonly projection: number;
  /** Entries at floor(k n / 8), k = 0..7. */
  readonly samples: readonly number[];
}

/** Gradients of the mean negative log-probability over all completion tokens of `prompts`, masked ids left out. */
export interface GoldenGradients {
  readonly prompts: readonly string[];
  readonly loss: number;
  /** By the parameter's name in the checkpoint's files. */
  readonly parameters: Readonly<Record<string, GoldenGradient>>;
}

interface Expected {
  readonly checkpoint: string;
  /** InternVL: sizes [width, height] of the synthetic images, by name. */
  readonly image_sizes?: Readonly<Record<string, readonly [number, number]>>;
  /** What stands for pixels or frames them: never sampled, minus infinity in the log-softmax. */
  readonly masked_ids: readonly number[];
  /** `<name>/logits` holds every column_step-th vocabulary column. */
  readonly column_step: number;
  readonly prompts: readonly GoldenPrompt[];
  readonly gradients: readonly GoldenGradients[];
}

export interface Golden extends Expected {
  /** The checkpoint: a Hugging Face folder. */
  readonly dir: string;
  /** The array recorded under `key`; throws when there is none. */
  array(key: string): GoldenArray;
}

/** One synthetic image as the Pillow image processor hands it to the model. */
export interface GoldenImage {
  /** Stored size in pixels, and the size it was resized to. */
  readonly width: number;
  readonly height: number;
  readonly frame: readonly [number, number];
  readonly grid_thw: readonly [number, number, number];
  /** [patches, 1176] pixel_values. */
  readonly pixels: Float32Array;
}

/** Names of all checkpoints, or of one family's, as `family/name`. */
export function goldenNames(wanted?: string): string[] {
  return FAMILIES.filter((family) => wanted === undefined || family === wanted).flatMap((family) =>
    readdirSync(join(HERE, family, "checkpoints"))
      .sort()
      .map((name) => `${family}/${name}`),
  );
}

/** The numbers recorded for a checkpoint, by `family/name`; a bare name is one of Qwen2.5-VL's. */
export function loadGolden(name: string): Golden {
  const [checkpoint, family = "qwen2_5_vl"] = name.split("/").reverse() as [string, string?];
  const { record, array } = load<Expected>(join(HERE, family, "expected", checkpoint));
  const dir = join(HERE, family, "checkpoints", checkpoint);
  const prompts = record.prompts.map((prompt) => ({
    ...prompt,
    inputs: record.image_sizes ? processedInputs(dir, prompt, record.image_sizes) : prompt.images.map(recordedInput),
  }));
  return { ...record, prompts, dir, array };
}

/** The pixels recorded for Qwen2.5-VL. */
function recordedInput(name: string): ImageInput {
  const { pixels, grid_thw, width, height, frame } = goldenImage(name);
  const [frameWidth, frameHeight] = frame;
  return { pixels, grid_thw, sha256: name, frame: { imageWidth: width, imageHeight: height, frameWidth, frameHeight } };
}

/** The pixels of our own processor. */
function processedInputs(dir: string, { images }: GoldenPrompt, sizes: Required<Expected>["image_sizes"]): ImageInput[] {
  if (images.length === 0) return [];
  const processor = Processor.load(dir);
  return images.map((name) => {
    const [width, height] = sizes[name]!;
    return processor.images.process(named({ width, height, rgb: syntheticRgb(width, height) }));
  });
}

/** Qwen2.5-VL's image called `name` in a prompt's `images`. */
export function goldenImage(name: string): GoldenImage {
  const { record, array } = load<{ images: (Omit<GoldenImage, "pixels"> & { name: string })[] }>(join(HERE, "qwen2_5_vl", "images"));
  const image = record.images.find((each) => each.name === name);
  if (!image) throw new Error(`no golden image "${name}"`);
  return { ...image, pixels: array(name).data };
}

/**
 * The synthetic picture itself: `width * height * 3` levels, row-major, channels last. Channel c at column x, row y is
 * (x (5 + 2c) + y (9 - 3c) + (xy >> (3 + c)) + 40c) mod 256.
 */
export function syntheticRgb(width: number, height: number): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  let i = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) rgb[i++] = x * (5 + 2 * c) + y * (9 - 3 * c) + ((x * y) >> (3 + c)) + 40 * c;
  return rgb;
}

function load<R>(stem: string): { record: R; array: (key: string) => GoldenArray } {
  const { tensors, ...record } = JSON.parse(readFileSync(`${stem}.json`, "utf8")) as R & {
    tensors: Record<string, Place>;
  };
  const bytes = readFileSync(`${stem}.bin`);
  const array = (key: string): GoldenArray => {
    const place = tensors[key];
    if (!place) throw new Error(`no array "${key}" in ${stem}.json`);
    const count = place.shape.reduce((product, size) => product * size, 1);
    const start = bytes.byteOffset + place.offset;
    return { shape: place.shape, data: new Float32Array(bytes.buffer.slice(start, start + 4 * count)) };
  };
  return { record: record as unknown as R, array };
}
