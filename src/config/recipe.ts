/**
 * @file The recipe of a training run: one YAML file is one run. Defaults are the paper's where it states them, and
 * the original code's elsewhere.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { checkpointsIn } from "../hub/run-checkpoints.ts";
import { DEVICE_ADVICE, isDeviceName } from "../torch/device-name.ts";
import { PRECISIONS, type Precision, precisionAdvice } from "../torch/precision.ts";
import { messageOf, UserError } from "../util/errors.ts";
import { shortened } from "../util/shortened.ts";
import { judgeSchema } from "./judge-settings.ts";
import { loadYaml, type SetValues } from "./yaml.ts";

const count = z.int().positive();
/** Far above what any run needs, and far below what would exhaust a machine before anything could be said. */
const steps = count.max(1e8);
const many = count.max(2 ** 16);
const tokens = count.max(2 ** 24);
const pixels = count.max(1e9);
const tiles = count.max(1024);
const atLeastZero = z.number().nonnegative();
const decay = z.number().min(0).lt(1);
const path = z.string().min(1);
const part = z.enum(["vision", "connector", "language", "embeddings"]);
/** Programs that a run can be written for, while it trains or afterwards: see src/track/. */
export const TRACKER_NAMES = ["tensorboard", "wandb", "trackio", "parquet"] as const;
export type TrackerName = (typeof TRACKER_NAMES)[number];
/** The type of the computation: `auto` is bfloat16 where the device multiplies it natively, float32 elsewhere. */
export const precisionSchema = z
  .custom<Precision>((value) => PRECISIONS.some((name) => name === value), {
    error: ({ input }) => `is ${JSON.stringify(input)}. ${precisionAdvice(input)}`,
  })
  .default("auto");

// A section with `.prefault({})` may be left out: the defaults of its own keys then hold.
export const recipeFields = z.strictObject({
  /**
   * The checkpoint to start from, by its folder, by a run folder (its latest checkpoint) or by the hub id of a downloaded model. It
   * is also the frozen reference.
   * Where it is a PEFT adapter's folder, that adapter is trained further, and the base it names is the reference.
   */
  model: path,
  /** The prompt format, with its stop strings and the rule by which the answer is read. */
  method: z.enum(["grit", "direct", "detect", "detect-box", "cot", "icl", "icl-box", "sft"]).default("grit"),
  data: z.strictObject({
    /** Data files to train on, one after another. */
    train: z.array(path).min(1),
    /** Folder that image paths start at, instead of each data file's own. */
    images: path.optional(),
    /** Train on so many samples of the files, drawn by `seed`, of each data set in its proportion. */
    limit: z.int().positive().optional(),
    /** Draws the samples that `limit` takes; without it 1. The run's own seed plays no part. */
    seed: z.int().nonnegative().optional(),
    /** Held-out data files by the name of their set. */
    eval: z.record(z.string(), path).default({}),
  }),
  rewards: z
    .strictObject({
      preset: z.enum(["paper", "code"]).default("paper"),
      /** TypeScript modules whose rewards are added to the preset's. */
      custom: z.array(path).default([]),
      /**
       * Weights of terms by name, in place of their own. `counting` is that of the part of `grounding` that counts boxes: 1 as in the
       * preset, 0 without it.
       */
      weights: z.record(z.string(), z.number()).optional(),
    })
    .prefault({}),
  /** Who judges answers, in the rewards and on the held-out sets: the keys are in judge-settings.ts. */
  judge: judgeSchema.prefault({}),
  seed: z.int().nonnegative().default(1),
  /** Rollout batches; each makes `loss.updates_per_rollout` optimizer steps. */
  steps: steps.default(200),
  prompts_per_step: many.default(32),
  /** Completions sampled for each prompt. */
  group_size: many.default(4),
  sampling: z
    .strictObject({
      temperature: z.number().positive().default(0.9),
      top_p: z.number().positive().max(1).default(1),
      /** Sample from this many best tokens; 0 is all of them. */
      top_k: z.int().nonnegative().default(0),
      max_tokens: tokens.default(1000),
    })
    .prefault({}),
  loss: z
    .strictObject({
      /** The original's gradient at ratio 1, or the paper's clipped objective (equation 3). */
      form: z.enum(["on_policy", "clipped"]).default("on_policy"),
      epsilon_low: z.number().positive().max(1).default(0.2),
      epsilon_high: z.number().positive().default(0.28),
      /** What a token's loss is divided by: its sequence's length, a constant (Dr. GRPO), or all tokens (DAPO). */
      normalize: z.enum(["sequence", "dr_grpo", "token"]).default("sequence"),
      /** Weight of the KL to the reference. */
      beta: atLeastZero.default(0.01),
      updates_per_rollout: many.default(1),
    })
    .prefault({}),
  /** An advantage is the reward minus the group's mean, divided by the deviation of the group, of the batch, or by nothing. */
  advantage: z.enum(["group", "batch", "centered"]).default("group"),
  optimizer: z
    .strictObject({
      lr: atLeastZero.default(2e-6),
      betas: z.tuple([decay, decay]).default([0.9, 0.999]),
      eps: z.number().positive().default(1e-8),
      weight_decay: atLeastZero.default(0),
      clip_norm: z.number().positive().default(1),
      warmup_steps: z.int().nonnegative().default(0),
      schedule: z.enum(["cosine", "constant"]).default("cosine"),
    })
    .prefault({}),
  image: z
    .strictObject({
      /** Area of the resized image; without them the checkpoint's own preprocessor configuration holds. */
      min_pixels: pixels.optional(),
      max_pixels: pixels.optional(),
      /** Resize twice, as the original's loader and processor did. */
      double_resize: z.boolean().default(false),
      /** InternVL3: tiles an image is cut into, the thumbnail not counted; without them the checkpoint's own limits hold. */
      min_tiles: tiles.optional(),
      max_tiles: tiles.optional(),
    })
    .prefault({}),
  /** Parts that are not trained. */
  freeze: z.array(part).default([]),
  /** Train a low-rank adapter beside the checkpoint, in PEFT's format, and nothing of the checkpoint itself. */
  lora: z
    .strictObject({
      rank: many.default(16),
      /** The adapter's change is scaled by alpha / rank. */
      alpha: z.number().positive().default(32),
      /** Dropout: the share of its inputs that the adapter does not see in training. */
      dropout: decay.default(0),
      /**
       * Linear layers by name, as PEFT matches them: a list of names or endings of names, a regular expression for the
       * whole name, or all-linear.
       */
      target_modules: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).default("all-linear"),
      /** The parts of the model in which they are looked for. */
      parts: z
        .array(z.enum(["vision", "connector", "language"]))
        .min(1)
        .default(["language"]),
    })
    .optional(),
  precision: precisionSchema,
  device: z.string().refine(isDeviceName, `is not a device: ${DEVICE_ADVICE}`).default("auto"),
  /** Tokens that one forward pass may hold; more means faster, and more memory. */
  micro_batch_tokens: count.default(4096),
  activation_checkpointing: z.boolean().default(false),
  /** What rests in the host's memory while it is not used: less of the device's, and a second or two more a step. */
  offload: z
    .strictObject({
      /** The reference's weights, which come to the device layer by layer when it scores. */
      reference: z.boolean().default(false),
      /** Masters and moments, which the CPU updates; the device has the weights in the type of the computation. */
      optimizer: z.boolean().default(false),
    })
    .prefault({}),
  eval: z
    .strictObject({
      /** Evaluate after every so many steps; 0 is never during training. */
      every: z.int().nonnegative().default(0),
      /** Longest answer; without it `sampling.max_tokens` holds. */
      max_tokens: tokens.optional(),
    })
    .prefault({}),
  save: z
    .strictObject({
      /** Save a checkpoint after every so many steps, and after the last. */
      every: count.default(50),
      /** How many of them to keep; older ones are removed once a step was made from the latest. */
      keep: count.default(2),
    })
    .prefault({}),
  /** Trackers that `grit train` writes each step for; `grit track` does so afterwards. */
  track: z.array(z.enum(TRACKER_NAMES)).default([]),
});

export const recipeSchema = recipeFields.superRefine(refuseContradictions);

/** A resolved recipe: every default filled in, every path absolute, a model its folder. */
export type Recipe = z.infer<typeof recipeSchema>;

export interface LoadRecipeOptions {
  readonly files?: boolean;
  readonly weights?: boolean;
  readonly set?: SetValues | undefined;
}

/**
 * The recipe of a YAML file, with `key.sub=value` overrides. Paths in the file start at its folder, paths in overrides at
 * the current one.
 * @param file a path that ends in .yaml or .yml, or the name of a recipe that comes with the package, e.g. `tiny`
 * @param options `files`: the data that training reads must be there; held-out sets only where they are evaluated meanwhile
 *   `weights`: so must the model; without, the hub id of one that is not downloaded stays
 *   `set`: what a file that names this recipe sets in it
 * @throws UserError naming every fault by file, line and key
 */
export function loadRecipe(
  file: string,
  overrides: readonly string[] = [],
  { files = false, weights = true, set }: LoadRecipeOptions = {},
): Promise<Recipe> {
  return loadYaml(file, recipeSchema, {
    overrides,
    set,
    models: ["model"],
    absentModels: !weights,
    present: ({ eval: { every } }) =>
      files
        ? {
            files: ["data.train", ...(every > 0 ? ["data.eval.*"] : [])],
            folders: ["data.images"],
          }
        : {},
    paths: ["data.train", "data.images", "data.eval.*", "rewards.custom", "judge.openai.cache", "judge.openai.ledger"],
  });
}

/**
 * The recipe with which work continues whose recipe is recorded in the JSON file `record`. What `precision: auto` became there
 * stays, on whatever processor; so does the checkpoint that a run folder named as `model` stood for, while that run trains on.
 * Unchanged if there is no such file. @throws UserError when the file is damaged
 */
export function settledIn<R extends { precision: Precision; model: string }>(recipe: R, record: string): R {
  if (!existsSync(record)) return recipe;
  const { precision, model = recipe.model } = recordIn(record);
  return {
    ...recipe,
    ...(recipe.precision === "auto" && { precision }),
    ...(isEarlierOfRun(model, recipe.model) && { model }),
  };
}

const recordSchema = z.object({ recipe: z.object({ precision: precisionSchema, model: z.string().optional() }) });

function recordIn(file: string): z.infer<typeof recordSchema>["recipe"] {
  try {
    return recordSchema.parse(JSON.parse(readFileSync(file, "utf8"))).recipe;
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error).replaceAll(/\s+/g, " ") : messageOf(error);
    throw new UserError(`${file} cannot be read (${shortened(why)}).`, "It was removed or edited: restore it.");
  }
}

/** Is a folder a checkpoint of the run of which `latest` is the latest? */
function isEarlierOfRun(folder: string, latest: string): boolean {
  const checkpoints = checkpointsIn(dirname(dirname(latest))).map(({ dir }) => dir);
  return checkpoints.at(-1) === latest && checkpoints.includes(folder);
}

/** Completions of a step, which are all held at once. */
const MOST_COMPLETIONS = 2 ** 20;

/** Refuses settings that contradict each other. */
function refuseContradictions(recipe: z.infer<typeof recipeFields>, context: z.RefinementCtx): void {
  const refuse = (path: string[], message: string) => context.addIssue({ code: "custom", path, message });
  const { loss, image, rewards } = recipe;
  if (recipe.prompts_per_step * recipe.group_size > MOST_COMPLETIONS)
    refuse(
      ["prompts_per_step"],
      `times group_size makes ${recipe.prompts_per_step * recipe.group_size} completions a step, more than ${MOST_COMPLETIONS}`,
    );
  if (recipe.group_size < 2) refuse(["group_size"], "is 1, but a completion is compared with others of its group");
  if (loss.form === "on_policy" && loss.updates_per_rollout > 1) {
    refuse(["loss", "updates_per_rollout"], "is more than 1, which needs loss.form: clipped");
  }
  if (recipe.method === "direct" && rewards.custom.length === 0) {
    refuse(["method"], "is direct, which asks for no tags, but the presets read tags; add a reward by rewards.custom");
  }
  if (recipe.lora && recipe.freeze.length > 0) {
    refuse(["freeze"], "is given beside lora, which freezes everything but its adapter; lora.parts says where that is");
  }
  if (part.options.every((each) => recipe.freeze.includes(each))) {
    refuse(["freeze"], "names every part, so nothing would be trained");
  }
  if (recipe.eval.every > 0 && Object.keys(recipe.data.eval).length === 0) {
    refuse(["eval", "every"], `is ${recipe.eval.every}, but data.eval names no set`);
  }
  if (image.min_pixels && image.max_pixels && image.min_pixels > image.max_pixels) {
    refuse(["image", "min_pixels"], "is more than image.max_pixels");
  }
  if (image.min_tiles && image.max_tiles && image.min_tiles > image.max_tiles) {
    refuse(["image", "min_tiles"], "is more than image.max_tiles");
  }
}
