/** @file The samples that a recipe trains on: all of its files, or so many of them, drawn by a seed. */
import type { Recipe } from "../config/recipe.ts";
import type { Sample } from "../records.ts";
import { groupBy } from "../util/arrays.ts";
import { UserError } from "../util/errors.ts";
import { stream } from "../util/random.ts";
import { loadSamples } from "./samples.ts";

/**
 * The training samples of a recipe, in the order of its files.
 * @throws UserError naming every fault of the files, when they have fewer samples than `limit` asks for, and for a seed without limit
 */
export async function loadTrainingSet({ train, images, limit, seed }: Omit<Recipe["data"], "eval">): Promise<Sample[]> {
  if (seed !== undefined && limit === undefined) {
    throw new UserError("data.seed is given without data.limit.", "Leave it out, or say how many samples to draw.");
  }
  const samples = await loadSamples(train, { images });
  if (limit === undefined) return samples;
  if (limit > samples.length) {
    throw new UserError(
      `data.limit is ${limit}, but data.train has ${samples.length} samples.`,
      `Lower it to ${samples.length}, or leave it out.`,
    );
  }
  return drawn(samples, limit, seed);
}

/**
 * So many samples, drawn by a seed, in their order: of each data set in proportion to its size. What is drawn with a smaller limit is
 * also drawn with a larger one, within a sample of each data set.
 */
export function drawn(samples: readonly Sample[], limit: number, seed = 1): Sample[] {
  const datasets = groupBy(samples, ({ dataset }) => dataset);
  const parts = datasets.map((own) => (limit * own.length) / samples.length);
  const counts = parts.map(Math.floor);
  const byRest = [...parts.keys()].sort((a, b) => (parts[b]! % 1) - (parts[a]! % 1));
  const missing = limit - counts.reduce((sum, count) => sum + count, 0);
  for (const i of byRest.slice(0, missing)) counts[i]!++;
  const taken = new Set(
    datasets.flatMap((own, i) => stream(seed, "limit", own[0]!.dataset).shuffle(own).slice(0, counts[i])),
  );
  return samples.filter((sample) => taken.has(sample));
}
