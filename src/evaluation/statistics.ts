/**
 * @file Statistics: bootstrap intervals of means, of several seeds and of paired gains, and a sign-flip test. All randomness is seeded, so equal inputs give equal intervals.
 */

import { mean } from "../util/arrays.ts";
import { type Random, stream } from "../util/random.ts";

/** A mean with its interval. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Number of values in the mean. */
  readonly n: number;
}

/** What changed between two evaluations of the same samples. */
export interface PairedGain {
  readonly before: number;
  readonly after: number;
  /** Mean of after - before, with its interval. */
  readonly gain: number;
  readonly low: number;
  readonly high: number;
  /** Two-sided sign-flip p-value of a gain of this size or more, were there none. */
  readonly p: number;
  readonly n: number;
}

/** How resampling is done. */
export interface Resampling {
  readonly seed?: number;
  readonly resamples?: number;
  /** Share of resampled means the interval holds. */
  readonly level?: number;
}

/** Mean with its percentile-bootstrap interval (Efron and Tibshirani, 1993, chapter 13). @throws Error without values */
export function bootstrapMean(
  values: readonly number[],
  { seed = 0, resamples = 10_000, level = 0.95 }: Resampling = {},
): Interval {
  const means = resampledMeans(values, resamples, stream(seed, "bootstrap")).sort();
  return { mean: mean(values), ...ends(means, level), n: values.length };
}

/**
 * Mean over several seeds that were asked the same samples, [seed][sample], with its percentile-bootstrap interval. Seeds and
 * samples are resampled together, each with all that belongs to it (the pigeonhole bootstrap of Owen, 2007): what the number of
 * samples leaves open counts, as does how far seeds differ, and no end lies beyond what a value can be. Of fewer than three
 * seeds an interval is too narrow. @throws Error without values, or with lists that do not pair
 */
export function bootstrapSeeds(
  seeds: readonly (readonly number[])[],
  { seed = 0, resamples = 10_000, level = 0.95 }: Resampling = {},
): Interval {
  const size = sizeOf(seeds);
  const values = seeds.map((each) => Float64Array.from(each));
  const means = new Float64Array(resamples);
  const random = stream(seed, "bootstrap");
  for (let r = 0; r < resamples; r++) {
    const drawn = draw(random, seeds.length, size);
    let sum = 0;
    for (const s of drawn.seeds) for (const i of drawn.samples) sum += values[s]![i]!;
    means[r] = sum / (size * seeds.length);
  }
  return { mean: mean(seeds.map(mean)), ...ends(means.sort(), level), n: size };
}

/** The seeds and samples of a resample; a single seed is always in it. */
function draw(random: Random, seeds: number, size: number): { seeds: number[]; samples: Int32Array } {
  const samples = new Int32Array(size);
  const scale = size / 2 ** 32;
  for (let i = 0; i < size; i++) samples[i] = Math.floor(random.uint32() * scale);
  if (seeds === 1) return { seeds: [0], samples };
  return { seeds: Array.from({ length: seeds }, () => Math.floor((random.uint32() * seeds) / 2 ** 32)), samples };
}

/** How many samples every seed has. */
function sizeOf(seeds: readonly (readonly number[])[]): number {
  const size = seeds[0]?.length ?? 0;
  if (size === 0) throw new Error("bootstrap of no values");
  const other = seeds.find(({ length }) => length !== size);
  if (other) throw new Error(`${size} samples in one seed, ${other.length} in another`);
  return size;
}

/**
 * Some statistics of values that come in few kinds, [seed][sample], given the kind of each value (from 0 on) and what the
 * statistics of a seed are when each kind has come so often. Each is the mean over the seeds with its percentile-bootstrap
 * interval, by the resamples of `bootstrapMean` for one seed and of `bootstrapSeeds` for several. A statistic that is null in any
 * seed has no interval; a resample in which it is null is left out. @throws as `bootstrapSeeds`
 */
export function bootstrapCounts<Name extends string>(
  kinds: readonly (readonly number[])[],
  statistics: (counts: readonly number[]) => Readonly<Record<Name, number | null>>,
  { seed = 0, resamples = 10_000, level = 0.95 }: Resampling = {},
): Record<Name, Interval | null> {
  const size = sizeOf(kinds);
  const from = kinds.map((each) => Uint8Array.from(each));
  const none = Array<number>(Math.max(...new Set(kinds.flat())) + 1).fill(0);
  const counted = (s: number, samples: Iterable<number>) => {
    const counts = [...none];
    for (const i of samples) counts[from[s]![i]!]!++;
    return statistics(counts);
  };
  const over = (seeds: readonly number[], samples: Int32Array): Record<Name, number | null> => {
    const each = seeds.map((s) => counted(s, samples));
    const names = Object.keys(each[0]!) as Name[];
    const means = names.map((name) => {
      const values = each.map((of) => of[name]).filter((value) => value !== null);
      return [name, values.length < each.length ? null : mean(values)] as const;
    });
    return Object.fromEntries(means) as Record<Name, number | null>;
  };
  const random = stream(seed, "bootstrap");
  const drawn = Array.from({ length: resamples }, () => {
    const { seeds, samples } = draw(random, kinds.length, size);
    return over(seeds, samples);
  });
  const all = Int32Array.from({ length: size }, (_, i) => i);
  const observed = Object.entries(over([...kinds.keys()], all)) as [Name, number | null][];
  const intervals = observed.map(([name, value]) => {
    if (value === null) return [name, null] as const;
    const found = Float64Array.from(drawn.map((each) => each[name]).filter((each) => each !== null));
    return [name, { mean: value, ...ends(found.sort(), level), n: size }] as const;
  });
  return Object.fromEntries(intervals) as Record<Name, Interval | null>;
}

/**
 * The gain from `before` to `after`, where equal indices are equal samples: the samples are resampled, each with both of its
 * values. @throws Error when the lists differ in length or are empty
 */
export function pairedGain(before: readonly number[], after: readonly number[], options: Resampling = {}): PairedGain {
  if (before.length !== after.length) throw new Error(`${before.length} values before, ${after.length} after`);
  const gains = after.map((value, i) => value - before[i]!);
  const { mean: gain, low, high, n } = bootstrapMean(gains, options);
  return { before: mean(before), after: mean(after), gain, low, high, p: signFlipP(gains, options), n };
}

/** Up to this many values that are not 0, all sign patterns are tried; above, random ones. */
const EXACT = 14;

/**
 * Two-sided p-value of the mean of paired differences, under the hypothesis that each could as well have had the other sign.
 * With few differences exact, else from random flips as (hits + 1) / (flips + 1).
 */
export function signFlipP(differences: readonly number[], { seed = 0, resamples = 10_000 }: Resampling = {}): number {
  const moved = Float64Array.from(differences.filter((difference) => difference !== 0));
  const observed = Math.abs(moved.reduce((sum, value) => sum + value, 0));
  const enough = observed * (1 - 1e-12);
  if (moved.length <= EXACT) {
    const patterns = 2 ** moved.length;
    let hits = 0;
    for (let signs = 0; signs < patterns; signs++) if (flippedSum(moved, (i) => signs >>> i) >= enough) hits++;
    return hits / patterns;
  }
  const random = stream(seed, "sign flip");
  let hits = 0;
  for (let i = 0; i < resamples; i++) if (flippedSum(moved, () => random.uint32()) >= enough) hits++;
  return (hits + 1) / (resamples + 1);
}

/** |Σ ±values|, the sign of value i by the last bit of `sign(i)`. */
function flippedSum(values: Float64Array, sign: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += sign(i) & 1 ? -values[i]! : values[i]!;
  return Math.abs(sum);
}

function resampledMeans(values: readonly number[], resamples: number, random: Random): Float64Array {
  if (values.length === 0) throw new Error("bootstrap of no values");
  const from = Float64Array.from(values);
  const means = new Float64Array(resamples);
  const scale = from.length / 2 ** 32;
  for (let r = 0; r < resamples; r++) {
    let sum = 0;
    for (let i = 0; i < from.length; i++) sum += from[Math.floor(random.uint32() * scale)]!;
    means[r] = sum / from.length;
  }
  return means;
}

/** The interval that holds a share of sorted values, with equally many of the others on either side. */
function ends(sorted: Float64Array, level: number): { low: number; high: number } {
  const tail = (1 - level) / 2;
  return { low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) };
}

/** Quantile of sorted values, linear between neighbours (numpy's default). */
function quantile(sorted: Float64Array, q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (sorted[above]! - sorted[below]!) * (position - below);
}
