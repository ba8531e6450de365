/** @file Converts a recipe's keys to the options of the stages: the one place where names change from snake to camel case. */
import type { Recipe } from "./recipe.ts";

/** The options that an engine that trains is opened with; `model` is the folder. */
export function toEngine({
  seed,
  lora,
  ...recipe
}: Pick<
  Recipe,
  "device" | "precision" | "freeze" | "seed" | "micro_batch_tokens" | "activation_checkpointing" | "image"
> &
  Partial<Pick<Recipe, "lora" | "loss" | "offload">>) {
  return {
    device: recipe.device,
    precision: recipe.precision,
    freeze: recipe.freeze,
    seed,
    ...(lora && {
      lora: {
        rank: lora.rank,
        alpha: lora.alpha,
        dropout: lora.dropout,
        targets: lora.target_modules,
        parts: lora.parts,
        seed,
      },
    }),
    training: true,
    // Without a KL term nothing asks for the reference.
    reference: (recipe.loss?.beta ?? 0) > 0,
    microBatchTokens: recipe.micro_batch_tokens,
    ...(recipe.offload && { offload: recipe.offload }),
    activationCheckpointing: recipe.activation_checkpointing,
    image: toImage(recipe.image),
  };
}

/** The pixel policy. */
export function toImage({ min_pixels, max_pixels, double_resize, min_tiles, max_tiles }: Recipe["image"]) {
  return {
    ...(min_pixels && { minPixels: min_pixels }),
    ...(max_pixels && { maxPixels: max_pixels }),
    doubleResize: double_resize,
    ...(min_tiles && { minTiles: min_tiles }),
    ...(max_tiles && { maxTiles: max_tiles }),
  };
}

/** How completions are sampled. */
export function toSampling({ sampling, group_size }: Pick<Recipe, "sampling" | "group_size">) {
  return {
    n: group_size,
    maxTokens: sampling.max_tokens,
    temperature: sampling.temperature,
    topP: sampling.top_p,
    topK: sampling.top_k,
  };
}

/** The loss of GRPO-GR. */
export function toLoss({ loss, sampling }: Pick<Recipe, "loss" | "sampling">) {
  return {
    kind: "grpo",
    form: loss.form,
    epsilonLow: loss.epsilon_low,
    epsilonHigh: loss.epsilon_high,
    beta: loss.beta,
    normalize: loss.normalize,
    maxTokens: sampling.max_tokens,
  } as const;
}

/** The optimizer's settings, without the learning rate. */
export function toOptimizer({ betas, eps, weight_decay, clip_norm }: Recipe["optimizer"]) {
  return { betas, eps, weightDecay: weight_decay, clipNorm: clip_norm };
}

/** The learning rate over the steps of a run. */
export function toSchedule({ optimizer, steps }: Pick<Recipe, "optimizer" | "steps">) {
  const { lr, schedule, warmup_steps } = optimizer;
  return { lr, schedule, warmupSteps: warmup_steps, steps };
}
