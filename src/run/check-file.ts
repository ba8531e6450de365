/**
 * @file The one definition of `check.json`, which `grit check` writes beside its page for programs: the writer's type is inferred here,
 * readers check with the same schema.
 */

import { z } from "zod";

/** The file's name in its folder. */
export const CHECK_FILE = "check.json";

const number = z.number().nullable();

const finding = z.object({
  /** Key of the recipe, e.g. `sampling.temperature`, or of a data line, e.g. `bboxs[0]`. */
  key: z.string(),
  /** A sentence. */
  what: z.string(),
  /** What to do: a sentence. */
  remedy: z.string(),
  /** The lines of data files that it is about, counted from 1; absent where it is about no line. Of very many only the first. */
  at: z
    .array(z.object({ file: z.string(), line: z.int().positive() }))
    .readonly()
    .optional(),
});
/** Something that is wrong, or odd. */
export type Finding = Readonly<z.infer<typeof finding>>;

const termFigures = z.object({
  name: z.string(),
  /** Null where no rollout has a score; so is the spread. */
  mean: number,
  /** Standard deviation over all rollouts. */
  spread: number,
  /** The score of every rollout that has one. */
  scores: z.array(z.number()).readonly(),
  unscored: z.number(),
});
/** What one term of the reward, weighted, gave to the sampled rollouts. */
export type TermFigures = Readonly<z.infer<typeof termFigures>>;

const judgeForecast = z.object({
  model: z.string(),
  requests: z.number(),
  inputTokens: z.number(),
  outputTokens: z.number(),
  /** US dollars, where the settings have a price. */
  usd: z.number().optional(),
});
/** What a judge that is a service will be asked in the whole run, at most. */
export type JudgeForecast = Readonly<z.infer<typeof judgeForecast>>;

const figures = z.object({
  samples: z.number(),
  images: z.number(),
  /** Tokens of the longest prompt, and of the longest sequence that the model takes. */
  longestPrompt: z.number(),
  contextLength: z.number(),
  /** Groups that were sampled, and the rollouts of each. */
  groups: z.number(),
  groupSize: z.number(),
  /** Shares of the rollouts: in the form that the method asks for, and cut off at the token limit. */
  inForm: z.number(),
  cutOff: z.number(),
  /** Share of the groups whose completions differ in reward. */
  teaching: z.number(),
  /** Bytes: the peak of a step, and what the device has; all checkpoints that are there at once, and what the disk has free. */
  memory: z.object({ peak: z.number(), available: z.number() }),
  disk: z.object({ needed: z.number(), free: z.number() }),
  /** Seconds, from the time that the sampled rollouts took. */
  seconds: z.object({ step: z.number(), run: z.number() }),
  /** Absent where the judge asks nobody. */
  judge: judgeForecast.optional(),
});
/** The figures of a check. */
export type CheckFigures = Readonly<z.infer<typeof figures>>;

/** The data files of a recipe, by absolute paths. */
export const recipeDataSchema = z.object({
  train: z.array(z.string()).readonly(),
  images: z.string().optional(),
  eval: z.record(z.string(), z.string()).default({}),
});
export type RecipeData = z.infer<typeof recipeDataSchema>;

export const checkFileSchema = z.object({
  /** The recipe as the command named it: a path, or a name. */
  recipe: z.string(),
  /** When it was checked, as ISO 8601 has it. */
  made: z.iso.datetime(),
  data: recipeDataSchema,
  /** Why the recipe cannot teach. */
  refusals: z.array(finding).readonly(),
  warnings: z.array(finding).readonly(),
  /** Absent where the check ended at faults of the data. */
  figures: figures.optional(),
  /** By term, the total last; none where nothing was sampled. */
  terms: z.array(termFigures).readonly(),
});
export type CheckFile = Readonly<z.infer<typeof checkFileSchema>>;
