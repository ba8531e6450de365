/** @file What `grit check` finds out about a recipe before anything is spent. */

import type { MemoryEstimate } from "./engine/memory.ts";
import type { RgbImage } from "./prompt/resize.ts";
import type { Sample } from "./records.ts";
import type { RolloutLine } from "./run/lines.ts";

/** Something that is wrong, or odd. */
export interface Finding {
  /** Key of the recipe, e.g. `sampling.temperature`. */
  readonly key: string;
  /** A sentence. */
  readonly what: string;
  /** What to do: a sentence. */
  readonly remedy: string;
}

/** A finding as one line: the key, what is wrong, what to do. */
export function findingText({ key, what, remedy }: Finding): string {
  return `${key}: ${what} ${remedy}`;
}

/** What one term of the reward, weighted, gave to the sampled rollouts. */
export interface TermFigures {
  readonly name: string;
  readonly mean: number;
  /** Standard deviation over all rollouts. */
  readonly spread: number;
  /** The score of every rollout that has one. */
  readonly scores: readonly number[];
  readonly unscored: number;
}

/** What a judge that is a service will be asked in the whole run, at most. */
export interface JudgeForecast {
  readonly model: string;
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** US dollars, where the settings have a price. */
  readonly usd?: number;
}

/** An image as its processor gives it to the model. */
export interface SeenPicture {
  readonly sample: Sample;
  readonly picture: RgbImage;
  /** Tokens that it takes. */
  readonly tokens: number;
}

/** Bytes. */
export interface DiskForecast {
  /** All checkpoints that are there at once. */
  readonly needed: number;
  readonly free: number;
}

/** What is known of a recipe without sampling. */
export interface StaticFigures {
  readonly samples: number;
  readonly images: number;
  /** Tokens of the longest prompt. */
  readonly longestPrompt: number;
  /** The longest sequence that the model takes. */
  readonly contextLength: number;
  readonly disk: DiskForecast;
}

export interface RecipeCheck extends StaticFigures {
  /** Why the recipe cannot teach: nothing should be spent on it. */
  readonly refusals: readonly Finding[];
  readonly warnings: readonly Finding[];
  readonly memory: MemoryEstimate;
  readonly seen: readonly SeenPicture[];
  /** Whole groups, as the first steps would sample them. */
  readonly groups: readonly (readonly RolloutLine[])[];
  /** By term, the total last. */
  readonly terms: readonly TermFigures[];
  /** Shares of the rollouts: in the form that the method asks for, and cut off at the token limit. */
  readonly inForm: number;
  readonly cutOff: number;
  /** Share of the groups whose completions differ in reward. */
  readonly teaching: number;
  /** Seconds, from the time that the sampled rollouts took. */
  readonly seconds: { readonly step: number; readonly run: number };
  /** Absent where the judge asks nobody. */
  readonly judge?: JudgeForecast;
}
