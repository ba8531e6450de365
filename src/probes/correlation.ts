/**
 * @file The vision-language reasoning cross-modal correlation (paper, figures 4 and 9): a judge that
 * sees two copies of the image, one with the chain's boxes and one with as many random ones, reads the chain with its
 * coordinates masked, and says which picture it speaks of. The score is the share of right picks; 0.5 is chance.
 */

import { box } from "../boxes.ts";
import type { RgbImage } from "../prompt/resize.ts";
import type { Box, Chain, Sample, Unscored } from "../records.ts";
import { mean } from "../util/arrays.ts";
import { type Random, stream } from "../util/random.ts";
import { drawBoxes } from "./draw-boxes.ts";
import { replaced } from "./forced-prefix.ts";

/** A judge that looks at both pictures and picks one, or gives `Unscored`. */
export interface Chooser {
  readonly name: string;
  /** The number of the picture that fits. Throws only errors that end the whole measurement. */
  choose(prompt: string, pictures: readonly [RgbImage, RgbImage], drawn: Drawn): Promise<0 | 1 | Unscored>;
}

/** What the pictures show, for a chooser that goes by a rule. */
export interface Drawn {
  readonly sample: Sample;
  /** The boxes in each. */
  readonly boxes: readonly [readonly Box<"image">[], readonly Box<"image">[]];
}

/** One look at one chain. */
export interface Pick {
  readonly id: string;
  readonly repeat: number;
  /** Which of the pictures has the chain's boxes, and which was chosen. */
  readonly right: 0 | 1;
  readonly chosen: 0 | 1 | Unscored;
}

export interface CorrelationSummary {
  /** Chains looked at in each repeat. */
  readonly n: number;
  readonly unscored: number;
  /** The share of right picks in each repeat, their mean and standard deviation (n - 1); undefined while any is unscored. */
  readonly repeats: readonly number[] | undefined;
  readonly mean: number | undefined;
  readonly deviation: number | undefined;
}

/** The boxes of a chain that can be drawn, each once. A chain without any cannot be asked about. */
export function drawable(chain: Chain): Box<"image">[] {
  const sound = chain.boxes.filter(({ degenerate }) => !degenerate);
  return [...new Map(sound.map(({ box }) => [`${box.x1} ${box.y1} ${box.x2} ${box.y2}`, box])).values()];
}

/**
 * Asks about one chain, which must have a drawable box, `repeats` times, each time with other random boxes and in an order
 * drawn anew. `image` is the sample's, as stored.
 */
export async function pick(
  chooser: Chooser,
  { sample, chain }: { readonly sample: Sample; readonly chain: Chain },
  image: RgbImage,
  { repeats, seed }: { readonly repeats: number; readonly seed: number },
): Promise<Pick[]> {
  const boxes = drawable(chain);
  return Promise.all(
    Array.from({ length: repeats }, async (_, repeat) => {
      const random = stream(seed, "correlation", sample.id, repeat);
      const others = boxes.map(() => randomBox(image, random));
      const [own, other] = [boxes, others].map((each) => drawBoxes(image, each)) as [RgbImage, RgbImage];
      const right = random.chance(0.5) ? 1 : 0;
      const chosen = await chooser.choose(choicePrompt(chain), right === 0 ? [own, other] : [other, own], {
        sample,
        boxes: right === 0 ? [boxes, others] : [others, boxes],
      });
      return { id: sample.id, repeat, right, chosen };
    }),
  );
}

/** The paper's prompt, word for word, around the chain with every coordinate masked. */
export function choicePrompt(chain: Chain): string {
  const masked = replaced(chain.text, chain.boxes, () => "[masked]");
  return `Please decide which image has the bounding boxes that match the following description: ${masked}\n${REPLIES}`;
}
const REPLIES = 'Reply with exactly "Image 0" or "Image 1".';

/** A box between two corners drawn uniformly from the image's pixels; the paper does not say how it draws them. */
export function randomBox({ width, height }: { width: number; height: number }, random: Random): Box<"image"> {
  const pair = (limit: number): [number, number] => {
    const [a, b] = [random.int(0, limit), random.int(0, limit - 1)];
    return b < a ? [b, a] : [a, b + 1];
  };
  const [[x1, x2], [y1, y2]] = [pair(width), pair(height)];
  return box("image", x1, y1, x2, y2);
}

/** Summarizes picks; every chain was asked about in every repeat. */
export function correlationSummary(picks: readonly Pick[]): CorrelationSummary {
  const repeats = [...new Set(picks.map(({ repeat }) => repeat))];
  const unscored = picks.filter(({ chosen }) => typeof chosen !== "number").length;
  const n = picks.filter(({ repeat }) => repeat === repeats[0]).length;
  if (unscored > 0 || n === 0) return { n, unscored, repeats: undefined, mean: undefined, deviation: undefined };
  const shares = repeats.map((each) =>
    mean(picks.filter(({ repeat }) => repeat === each).map(({ right, chosen }) => Number(right === chosen))),
  );
  const center = mean(shares);
  const spread = shares.reduce((sum, share) => sum + (share - center) ** 2, 0) / (shares.length - 1);
  return { n, unscored, repeats: shares, mean: center, deviation: shares.length > 1 ? Math.sqrt(spread) : undefined };
}
