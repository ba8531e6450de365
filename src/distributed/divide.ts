/** @file Work divided among ranks, and what each tells the others of its part. */
import type { Prompt, Sample } from "../records.ts";

/** Gives each item, by its expected cost, to the rank with the least so far, dear ones first: the items of every rank, in order. */
export function divide(costs: readonly number[], ranks: number): number[][] {
  const shares = Array.from({ length: ranks }, () => ({ items: [] as number[], cost: 0 }));
  const dearFirst = [...costs.keys()].sort((a, b) => costs[b]! - costs[a]! || a - b);
  for (const item of dearFirst) {
    const least = shares.reduce((best, share) => (share.cost < best.cost ? share : best));
    least.items.push(item);
    least.cost += costs[item]!;
  }
  return shares.map(({ items }) => items.sort((a, b) => a - b));
}

/** Tokens that a sample's prompt and what is `written` to it may come to, about: a square of 28 pixels makes one. */
export function expectedCost({ width, height }: Pick<Sample, "width" | "height">, written: number): number {
  return (width * height) / 28 ** 2 + written;
}

/** A prompt as others are told of it. */
export function withoutPixels(prompt: Prompt): Prompt {
  return { ...prompt, images: prompt.images.map((image) => ({ ...image, pixels: new Float32Array(0) })) };
}
