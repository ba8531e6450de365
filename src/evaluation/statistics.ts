/**
 * @file How far a number can be trusted: bootstrap intervals, paired gains, a sign-flip test, intervals of several seeds.
 * All randomness is seeded, so equal inputs give equal intervals.
 */

import { mean } from "../util/arrays.ts";
import { type Random, stream } from "../util/random.ts";

/** A mean with its interval. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Values the mean is over. */
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
 * Some statistics of values that come in few kinds, given the kind of each value (from 0 on) and what the statistics are when
 * each kind has come so often. Each with its percentile-bootstrap interval, over the resamples that `bootstrapMean` draws of
 * as many values. A statistic that is null has no interval; a resample in which it is null is left out. @throws Error without
 * values
 */
export function bootstrapCounts<Name extends string>(
  kinds: readonly number[],
  statistics: (counts: readonly number[]) => Readonly<Record<Name, number | null>>,
  { seed = 0, resamples = 10_000, level = 0.95 }: Resampling = {},
): Record<Name, Interval | null> {
  if (kinds.length === 0) throw new Error("bootstrap of no values");
  const from = Uint8Array.from(kinds);
  const none = Array<number>(Math.max(...new Set(kinds)) + 1).fill(0);
  const counted = (kindAt: (i: number) => number) => {
    const counts = [...none];
    for (let i = 0; i < from.length; i++) counts[kindAt(i)]!++;
    return statistics(counts);
  };
  const random = stream(seed, "bootstrap");
  const scale = from.length / 2 ** 32;
  const drawn = Array.from({ length: resamples }, () => counted(() => from[Math.floor(random.uint32() * scale)]!));
  const observed = Object.entries(counted((i) => from[i]!)) as [Name, number | null][];
  const intervals = observed.map(([name, value]) => {
    if (value === null) return [name, null] as const;
    const found = Float64Array.from(drawn.map((each) => each[name]).filter((each) => each !== null));
    return [name, { mean: value, ...ends(found.sort(), level), n: from.length }] as const;
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

/** Mean over several seeds with Student's t interval. @throws Error with fewer than two values, which show no spread */
export function seedsInterval(values: readonly number[], level = 0.95): Interval {
  const n = values.length;
  if (n < 2) throw new Error(`an interval over seeds needs at least two, not ${n}`);
  const center = mean(values);
  const variance = values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (n - 1);
  const half = studentQuantile(level, n - 1) * Math.sqrt(variance / n);
  return { mean: center, low: center - half, high: center + half, n };
}

/** The t with P(|T| <= t) = level for Student's distribution with `freedom` degrees, by bisection over its angle. */
export function studentQuantile(level: number, freedom: number): number {
  let low = 0;
  let high = Math.PI / 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (studentInside(middle, freedom) < level) low = middle;
    else high = middle;
  }
  return Math.sqrt(freedom) * Math.tan(low);
}

/** P(|T| <= √freedom · tan angle), a finite sum (Abramowitz and Stegun, 26.7.3 and 26.7.4). */
function studentInside(angle: number, freedom: number): number {
  const odd = freedom % 2 === 1;
  const cosine = Math.cos(angle);
  let term = odd ? cosine : 1;
  let sum = 0;
  for (let k = odd ? 1 : 0; k <= freedom - 2; k += 2) {
    sum += term;
    term *= ((k + 1) / (k + 2)) * cosine ** 2;
  }
  return odd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
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
