/**
 * @file Makes the checkpoint that pretraining begins with, of either family: tokenizer, processor files, config and fresh
 * weights. Its language model may come from another checkpoint, as InternVL3's comes from Qwen2.5.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readWeights, singleFile, writeWeights } from "../checkpoint/weights-io.ts";
import { readJson } from "../hub/checkpoint-files.ts";
import { readModel } from "../models/architectures.ts";
import { initialWeights } from "../models/init.ts";
import type { Model } from "../models/model.ts";
import { type TrainedTokenizer, trainTokenizer, withSpecialTokens } from "../prompt/bpe-train.ts";
import { INTERNVL_TOKENS, writeInternVLFiles, writeQwenFiles } from "../prompt/processor-files.ts";
import { copy_, narrow } from "../torch/ops.ts";
import { noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { UserError } from "../util/errors.ts";

export interface FreshRecipe {
  readonly seed: number;
  /** config.json of `qwen2_5_vl` or `internvl` (its `model_type`); token ids and vocabulary size are filled in. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Qwen2.5-VL's pixel policy; InternVL's tiles are in its config. */
  readonly image?: { readonly min_pixels: number; readonly max_pixels: number } | undefined;
  readonly max_vocab: number;
  /** A checkpoint whose tokenizer and language model this one begins with. */
  readonly language?: string | undefined;
}

/**
 * Writes a checkpoint folder. `corpus` is what a new tokenizer is trained on.
 * @throws UserError when the language model to begin with does not fit the config
 */
export function makeFreshCheckpoint(dir: string, recipe: FreshRecipe, corpus: Iterable<string>): void {
  mkdirSync(dir, { recursive: true });
  const tokenizer = recipe.language
    ? tokenizerOf(recipe.language)
    : trainTokenizer(corpus, { maxVocab: recipe.max_vocab });
  const config =
    recipe.config.model_type === "internvl" ? writeInternVL(dir, recipe, tokenizer) : writeQwen(dir, recipe, tokenizer);
  writeFileSync(join(dir, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
  const [end, pad] = [idOf(tokenizer, "<|im_end|>"), idOf(tokenizer, "<|endoftext|>")];
  const generation = { bos_token_id: pad, eos_token_id: [end, pad], pad_token_id: pad, do_sample: false };
  writeFileSync(join(dir, "generation_config.json"), `${JSON.stringify(generation, null, 2)}\n`);

  const model = readModel(dir);
  const weights = initialWeights(model, recipe.seed);
  if (recipe.language) takeLanguage(recipe.language, model, weights);
  writeWeights(dir, model, weights, singleFile(model.parameterShapes(), "bfloat16"));
  for (const tensor of weights.values()) tensor.dispose();
}

function writeQwen(dir: string, { config, image }: FreshRecipe, tokenizer: TrainedTokenizer): object {
  if (!image) throw new UserError("The recipe has no image.min_pixels and image.max_pixels.", "Add them.", "image");
  writeQwenFiles(dir, tokenizer, { minPixels: image.min_pixels, maxPixels: image.max_pixels });
  const id = (content: string) => idOf(tokenizer, content);
  return {
    architectures: ["Qwen2_5_VLForConditionalGeneration"],
    model_type: "qwen2_5_vl",
    ...config,
    vocab_size: vocabularySize(tokenizer),
    bos_token_id: id("<|endoftext|>"),
    eos_token_id: id("<|im_end|>"),
    vision_start_token_id: id("<|vision_start|>"),
    vision_end_token_id: id("<|vision_end|>"),
    vision_token_id: id("<|vision_pad|>"),
    image_token_id: id("<|image_pad|>"),
    video_token_id: id("<|video_pad|>"),
    torch_dtype: "bfloat16",
  };
}

function writeInternVL(dir: string, { config }: FreshRecipe, trained: TrainedTokenizer): object {
  const tokenizer = withSpecialTokens(trained, INTERNVL_TOKENS);
  const { text_config, vision_config, downsample_ratio } = config as {
    text_config: object;
    vision_config: { image_size: readonly [number, number]; patch_size: readonly [number, number] };
    downsample_ratio: number;
  };
  const tile = vision_config.image_size[0];
  const tokens = Math.round((tile / vision_config.patch_size[0]) * downsample_ratio) ** 2;
  writeInternVLFiles(dir, tokenizer, { tile, tokens });
  return {
    architectures: ["InternVLForConditionalGeneration"],
    ...config,
    text_config: {
      ...text_config,
      vocab_size: vocabularySize(tokenizer),
      bos_token_id: idOf(tokenizer, "<|endoftext|>"),
      eos_token_id: idOf(tokenizer, "<|im_end|>"),
    },
    image_token_id: idOf(tokenizer, "<IMG_CONTEXT>"),
    image_seq_length: tokens,
    dtype: "bfloat16",
  };
}

function idOf({ tokenizerJson }: TrainedTokenizer, content: string): number {
  return tokenizerJson.added_tokens.find((token) => token.content === content)!.id;
}

function vocabularySize({ tokenizerJson }: TrainedTokenizer): number {
  return Math.max(...tokenizerJson.added_tokens.map(({ id }) => id)) + 1;
}

function tokenizerOf(dir: string): TrainedTokenizer {
  return {
    tokenizerJson: readJson(dir, "tokenizer.json") as unknown as TrainedTokenizer["tokenizerJson"],
    tokenizerConfig: readJson(dir, "tokenizer_config.json"),
  };
}

/** Copies embeddings, language model and head of the checkpoint in `dir` over `weights`; tokens that it lacks keep their fresh weights. */
function takeLanguage(dir: string, model: Model, weights: ReadonlyMap<string, Tensor>): void {
  const { parameters } = readWeights(dir, readModel(dir), "cpu");
  for (const [name, target] of weights) {
    if (model.partOf(name) !== "language" && model.partOf(name) !== "embeddings") continue;
    const source = parameters.get(name);
    const rows = Math.min(source?.shape[0] ?? 0, target.shape[0]!);
    if (
      !source ||
      source.shape.slice(1).join() !== target.shape.slice(1).join() ||
      (rows < target.shape[0]! && model.partOf(name) === "language")
    )
      throw new UserError(
        `The language model of ${dir} does not fit: ${name}.`,
        "Give both configs the same language sizes.",
        "language",
      );
    noGrad(() => tidy(() => void copy_(narrow(target, 0, 0, rows), narrow(source, 0, 0, rows))));
  }
  for (const tensor of parameters.values()) tensor.dispose();
}
