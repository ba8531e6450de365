/**
 * @file Intervals of means over several seeds that were asked the same samples. Two things are left to chance, which samples there
 * are and which seeds, and both are resampled: samples as a bootstrap does, each with the answers of all seeds; and seeds, whose few
 * means tell little of how far seeds differ, by Student's factor further apart than they are.
 */
import { extent, mean } from "../util/arrays.ts";
import { type Random, stream } from "../util/random.ts";
import { ends, type Interval, type Resampling } from "./statistics.ts";

/**
 * Mean over several seeds, [seed][sample], with its 95 % interval, by 10,000 resamples of seeds and samples. No end lies beyond the
 * least and greatest value. The interval of one seed says nothing of how far seeds differ, and that of two is as wide as the
 * values allow. @throws Error without values, or with lists that do not pair
 */
export function bootstrapSeeds(
  seeds: readonly (readonly number[])[],
  { seed = 0, resamples = 10_000 }: Resampling = {},
): Interval {
  const size = sizeOf(seeds);
  const values = seeds.map((each) => Float64Array.from(each));
  const random = stream(seed, "bootstrap");
  const resampled = Array.from({ length: resamples }, () => {
    const samples = drawSamples(random, size);
    const means = values.map((own) => {
      let sum = 0;
      // This line is nearly all of the time: an iterator over the samples would take five times as long.
      for (let k = 0; k < size; k++) sum += own[samples[k]!]!;
      return sum / size;
    });
    return { means, seeds: drawSeeds(random, seeds.length) };
  });
  const observed = seeds.map(mean);
  return { mean: mean(observed), ...overSeeds(observed, resampled, extent(seeds.flat())), n: size };
}

/**
 * Some statistics, shares in [0, 1], of values that come in few kinds, [seed][sample], given the kind of each value (from 0 on) and
 * what the statistics of a seed are when each kind has come so often. Each is the mean over the seeds with its interval, by the
 * resamples of `bootstrapSeeds`. A statistic that is null in any seed has no interval; a resample in which it is null is left out.
 * @throws Error as `bootstrapSeeds`
 */
export function bootstrapCounts<Name extends string>(
  kinds: readonly (readonly number[])[],
  statistics: (counts: readonly number[]) => Readonly<Record<Name, number | null>>,
  { seed = 0, resamples = 10_000 }: Resampling = {},
): Record<Name, Interval | null> {
  const size = sizeOf(kinds);
  const from = kinds.map((each) => Uint8Array.from(each));
  const none = Array<number>(Math.max(...new Set(kinds.flat())) + 1).fill(0);
  const counted = (samples: Int32Array) =>
    from.map((own) => {
      const counts = [...none];
      for (const i of samples) counts[own[i]!]!++;
      return statistics(counts);
    });
  const random = stream(seed, "bootstrap");
  const drawn = Array.from({ length: resamples }, () => {
    const of = counted(drawSamples(random, size));
    return { of, seeds: drawSeeds(random, kinds.length) };
  });
  const observed = counted(Int32Array.from({ length: size }, (_, i) => i));
  const intervals = (Object.keys(observed[0]!) as Name[]).map((name) => {
    const values = known(observed, name);
    if (!values) return [name, null] as const;
    const resampled = drawn.flatMap(({ of, seeds }) => {
      const means = known(of, name);
      return means ? [{ means, seeds }] : [];
    });
    return [name, { mean: mean(values), ...overSeeds(values, resampled, [0, 1]), n: size }] as const;
  });
  return Object.fromEntries(intervals) as Record<Name, Interval | null>;
}

/** A statistic of every seed; undefined where it is null in any. */
function known<Name extends string>(
  seeds: readonly Readonly<Record<Name, number | null>>[],
  name: Name,
): number[] | undefined {
  const values = seeds.map((of) => of[name]).filter((value) => value !== null);
  return values.length === seeds.length ? values : undefined;
}

/** What every seed has on resampled samples, and which seeds were drawn. */
interface Resample {
  readonly means: readonly number[];
  readonly seeds: readonly number[];
}

/**
 * The ends of the interval of the mean over seeds, within bounds. Part of the distance between seeds is the chance of their answers,
 * which the resampled samples have in them already; the rest, by the variances, is theirs, and that is what drawn seeds add.
 */
function overSeeds(
  observed: readonly number[],
  resampled: readonly Resample[],
  [lowest, highest]: readonly [number, number],
): { low: number; high: number } {
  const centre = mean(observed);
  const apart = observed.map((value) => value - centre);
  const shared = resampled.map(({ means }) => mean(means));
  const stretch = observed.length > 1 ? stretchOf(apart, resampled, shared) : 0;
  const means = resampled.map(({ seeds }, r) => shared[r]! + stretch * mean(seeds.map((s) => apart[s]!)));
  const { low, high } = ends(Float64Array.from(means).sort());
  return { low: Math.max(low, lowest), high: Math.min(high, highest) };
}

/** By how much the seeds' distances from their mean are stretched before seeds are drawn from them. */
function stretchOf(apart: readonly number[], resampled: readonly Resample[], shared: readonly number[]): number {
  const freedom = apart.length - 1;
  const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0) / freedom;
  const spread = squares(apart);
  const noise = mean(resampled.map(({ means }, r) => squares(means.map((own, s) => own - shared[r]! - apart[s]!))));
  if (spread <= noise) return 0;
  // Drawn from n values, their mean varies as (n - 1) / n of what it does over all.
  return (student(freedom) / NORMAL) * Math.sqrt(apart.length / freedom) * Math.sqrt(1 - noise / spread);
}

/** The 97.5 % quantiles of the normal distribution, and of Student's for one degree of freedom and more. */
const NORMAL = 1.96;
const STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

/** Student's 97.5 % quantile; beyond the table by the first terms of its expansion (Abramowitz and Stegun, 26.7.5). */
function student(freedom: number): number {
  return STUDENT[freedom - 1] ?? NORMAL + 2.37 / freedom + 2.82 / freedom ** 2;
}

function drawSamples(random: Random, size: number): Int32Array {
  const samples = new Int32Array(size);
  const scale = size / 2 ** 32;
  for (let i = 0; i < size; i++) samples[i] = Math.floor(random.uint32() * scale);
  return samples;
}

/** As many seeds as there are; a single one is always drawn, and takes no random number. */
function drawSeeds(random: Random, seeds: number): number[] {
  return Array.from({ length: seeds }, () => (seeds === 1 ? 0 : random.int(0, seeds - 1)));
}

/** How many samples every seed has. */
function sizeOf(seeds: readonly (readonly number[])[]): number {
  const size = seeds[0]?.length ?? 0;
  if (size === 0) throw new Error("bootstrap of no values");
  const other = seeds.find(({ length }) => length !== size);
  if (other) throw new Error(`${size} samples in one seed, ${other.length} in another`);
  return size;
}
