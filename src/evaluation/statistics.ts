/**
 * @file Statistics: bootstrap intervals of means and of paired gains, and a sign-flip test. All randomness is seeded, so equal
 * inputs give equal intervals.
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
}

/** Mean with its percentile-bootstrap interval (Efron and Tibshirani, 1993, chapter 13). @throws Error without values */
export function bootstrapMean(values: readonly number[], { seed = 0, resamples = 10_000 }: Resampling = {}): Interval {
  const means = resampledMeans(values, resamples, stream(seed, "bootstrap")).sort();
  return { mean: mean(values), ...ends(means), n: values.length };
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

/** The interval that holds 95 % of sorted values, with equally many of the others on either side. */
export function ends(sorted: Float64Array): { low: number; high: number } {
  return { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
}

/** Quantile of sorted values, linear between neighbours (numpy's default). */
function quantile(sorted: Float64Array, q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (sorted[above]! - sorted[below]!) * (position - below);
}
