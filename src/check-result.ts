/** @file What `grit check` finds out about a recipe before anything is spent. */

import type { MemoryEstimate } from "./engine/memory.ts";
import type { RgbImage } from "./prompt/resize.ts";
import type { Sample } from "./records.ts";
import type { CheckFigures, Finding, JudgeForecast, TermFigures } from "./run/check-file.ts";
import type { RolloutLine } from "./run/lines.ts";

export type { Finding };

/** A finding as one line: the key, what is wrong, what to do. */
export function findingText({ key, what, remedy }: Finding): string {
  return `${key}: ${what} ${remedy}`;
}

/** An image as its processor gives it to the model. */
export interface SeenPicture {
  readonly sample: Sample;
  readonly picture: RgbImage;
  /** Tokens that it takes. */
  readonly tokens: number;
}

/** Bytes. */
export type DiskForecast = CheckFigures["disk"];

/** What is known of a recipe without sampling. */
export type StaticFigures = Pick<CheckFigures, "samples" | "images" | "longestPrompt" | "contextLength" | "disk">;

export interface RecipeCheck extends StaticFigures, Pick<CheckFigures, "inForm" | "cutOff" | "teaching" | "seconds"> {
  /** Why the recipe cannot teach: nothing should be spent on it. */
  readonly refusals: readonly Finding[];
  readonly warnings: readonly Finding[];
  readonly memory: MemoryEstimate;
  readonly seen: readonly SeenPicture[];
  /** Whole groups, as the first steps would sample them. */
  readonly groups: readonly (readonly RolloutLine[])[];
  /** By term, the total last. */
  readonly terms: readonly TermFigures[];
  /** Absent where the judge asks nobody. */
  readonly judge?: JudgeForecast;
}

/** The figures of a check as its file has them. */
export function figuresIn(check: RecipeCheck): CheckFigures {
  const { samples, images, longestPrompt, contextLength, groups, inForm, cutOff, teaching } = check;
  const { memory, disk, seconds, judge } = check;
  return {
    ...{ samples, images, longestPrompt, contextLength, inForm, cutOff, teaching, disk, seconds },
    groups: groups.length,
    groupSize: groups[0]!.length,
    memory: { peak: memory.peak, available: memory.available },
    ...(judge && { judge }),
  };
}
