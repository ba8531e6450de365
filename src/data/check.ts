/**
 * @file Checks and describes data, without a model. `checkSamples` makes sure that every image decodes to its end and
 * that every gold answer would get full marks; `describe` gives the columns of the paper's table 2.
 */

import { unionArea } from "../boxes.ts";
import { isScored, type Sample, type Score } from "../records.ts";
import { mean } from "../util/arrays.ts";
import { messageOf } from "../util/errors.ts";
import { Faults } from "../util/faults.ts";

/** What samples are checked with: the same as in training. */
export interface Proofs {
  /** Decodes an image file; throws when it is damaged. */
  readonly decode: (image: string) => Promise<unknown>;
  /** Judges a sample's gold answer as if a model had given it: 1 is right. */
  readonly judge: (sample: Sample) => Promise<Score>;
}

/**
 * `onProgress` hears how many samples' images have been decoded, which takes nearly all of the time.
 * @throws UserError naming every image that does not decode and every gold answer that does not score 1
 */
export async function checkSamples(
  samples: readonly Sample[],
  { decode, judge }: Proofs,
  onProgress?: (done: number) => void,
): Promise<void> {
  const faults = new Faults();
  const seen = new Set<string>();
  for (const [i, { image }] of samples.entries()) {
    if (!seen.has(image)) await decode(image).catch((error) => faults.add(image, messageOf(error).split("\n")[0]!));
    seen.add(image);
    onProgress?.(i + 1);
  }
  for (const sample of samples) {
    const score = await judge(sample);
    const verdict = isScored(score) ? `scores ${score} of 1` : `cannot be judged (${score.unscored})`;
    if (score !== 1) faults.add(sample.id, `its own answer ${JSON.stringify(sample.answer)} ${verdict}`);
  }
  faults.throwIfAny("data", "Fix or remove these samples.");
}

/** One data set in figures. Lengths are in words; shares are 0-1, undefined for an empty set. */
export interface Description {
  readonly dataset: string;
  readonly items: number;
  readonly images: number;
  readonly questionLength: number;
  readonly answerLength: number;
  /** Share of items whose answer is one of given choices, or yes or no. */
  readonly choice: number;
  /** Mean number of boxes, over items with boxes. */
  readonly boxes: number | undefined;
  /** Mean share of the image that the boxes cover, over items with boxes. */
  readonly grounded: number | undefined;
}

/** A description of each data set among the samples, in order of appearance. */
export function describe(samples: readonly Sample[]): Description[] {
  return [...new Set(samples.map(({ dataset }) => dataset))].map((dataset) => {
    const items = samples.filter((sample) => sample.dataset === dataset);
    const boxed = items.filter(({ boxes }) => boxes.length > 0);
    return {
      dataset,
      items: items.length,
      images: new Set(items.map(({ image }) => image)).size,
      questionLength: over(items, ({ question }) => words(question))!,
      answerLength: over(items, ({ answer }) => words(answer))!,
      choice: over(items, (sample) => (isChoice(sample) ? 1 : 0))!,
      boxes: over(boxed, ({ boxes }) => boxes.length),
      grounded: over(boxed, ({ boxes, width, height }) => unionArea(boxes) / (width * height)),
    };
  });
}

/** The mean of a value over items; undefined over none. */
function over<T>(items: readonly T[], value: (item: T) => number): number | undefined {
  return items.length === 0 ? undefined : mean(items.map(value));
}

function words(text: string): number {
  return text.trim().split(/\s+/).length;
}

function isChoice({ question, answer, choices = [] }: Sample): boolean {
  if (choices.length > 0 || /^(yes|no)\b/i.test(answer)) return true;
  return /\bchoices:|\boptions:|\(A\).*\(B\)|^A[.:]\s.*^B[.:]\s/ims.test(question);
}
