/** @file Aggregates samples: each metric of each set, with its interval and the number of samples. */
import { SOUND } from "../judge/sound-rating.ts";
import type { Evaluation, Measured } from "./manifest.ts";
import { bootstrapSeeds } from "./over-seeds.ts";
import { bootstrapMean, type Interval } from "./statistics.ts";
import { type YesNoIntervals, yesNoIntervals } from "./yes-no.ts";

/** The metrics that are means over samples: the value of one sample, null where the metric does not apply or is missing. */
const READ = {
  /** Mean judge score, not made binary. */
  acc: ({ acc }) => acc,
  /** Share of samples whose score is at least one half. */
  accBinary: ({ acc }) => (acc === null ? null : Number(acc >= 0.5)),
  /** Grounding IoU in image pixels, over the samples with true boxes. */
  giou: ({ giou }) => giou,
  /** The same as the original script computed it. */
  giouRaw: ({ giouRaw }) => giouRaw,
  /** F1 of the box sets at IoU 0.5. */
  f1: ({ f1 }) => f1,
  /** Acc@0.5 of referring expressions: the share of answered boxes with an IoU of at least one half. */
  acc50: ({ answerIoU }) => (typeof answerIoU === "number" ? Number(answerIoU >= 0.5) : null),
  /** Mean IoU of the answered boxes. */
  answerIoU: ({ answerIoU }) => answerIoU ?? null,
  /** Letter accuracy, over the multiple-choice questions. */
  choice: ({ choice }) => choice,
  /** Mean rating of the judge, 0 to 6. */
  rating: ({ rating }) => rating ?? null,
  /** MMHal-Bench's hallucination rate: the share of ratings below 3. */
  hallucination: ({ rating }) => (typeof rating === "number" ? Number(rating < SOUND) : null),
} satisfies Record<string, (sample: Measured) => number | null>;

export type Metric = keyof typeof READ;

/** The same of every metric. */
export function eachMetric<T>(of: (metric: Metric) => T): Record<Metric, T> {
  return Object.fromEntries((Object.keys(READ) as Metric[]).map((metric) => [metric, of(metric)])) as Record<Metric, T>;
}

/** One metric of one set. */
export interface Estimate {
  /** Mean with its 95 % interval; null while any sample is missing, and where the set has no such metric. */
  readonly value: Interval | null;
  /** The share of samples measured: below 1 the number is partial and not given. */
  readonly coverage: number;
}

/** One set of one evaluation. */
export interface SetResult extends Readonly<Record<Metric, Estimate>> {
  readonly samples: number;
  /** POPE's numbers over the yes/no questions; null while any sample is missing, and where the set has none. */
  readonly yesNo: { readonly value: YesNoIntervals | null; readonly coverage: number };
  /** Ratings by the data set of the samples, which in MMHal-Bench is the type of a question. Only where there are several. */
  readonly types?: Readonly<Record<string, Ratings>>;
}

/** The metrics that a rater gives. */
export type Ratings = Readonly<Record<"rating" | "hallucination", Estimate>>;

/**
 * Every set of an evaluation, in the manifest's order; of several, which are seeds of one row and asked the same samples, the mean
 * over the seeds.
 */
export function aggregate(...seeds: readonly [Evaluation, ...Evaluation[]]): Record<string, SetResult> {
  const sets = Object.entries(seeds[0].manifest.sets).map(([name, { samples: expected }]) => {
    const answered = seeds.map(({ samples }) => samples.filter(({ set }) => set === name));
    const reached = Math.min(...answered.map(({ length }) => length)) / expected;
    const yesNo = reached === 1 ? paired(answered, (sample) => sample.yesNo) : undefined;
    const result: SetResult = {
      samples: expected,
      ...eachMetric((metric) => estimateSeeds(answered, metric, expected)),
      yesNo: { value: yesNo ? yesNoIntervals(...yesNo) : null, coverage: reached },
      ...(reached === 1 && typesOf(answered)),
    };
    return [name, result] as const;
  });
  return Object.fromEntries(sets);
}

/** The ratings of a set whose samples are all answered, by data set, in the order of the file. */
function typesOf(seeds: readonly (readonly Measured[])[]): Pick<SetResult, "types"> {
  const rated = seeds[0]!.filter(({ rating }) => rating !== undefined);
  const names = [...new Set(rated.map(({ dataset }) => dataset))];
  if (names.length < 2) return {};
  const types = names.map((name) => {
    const own = seeds.map((samples) => samples.filter(({ dataset }) => dataset === name));
    const ofType = (metric: Metric) => estimateSeeds(own, metric, own[0]!.length);
    return [name, { rating: ofType("rating"), hallucination: ofType("hallucination") }] as const;
  });
  return { types: Object.fromEntries(types) };
}

/** One metric over the answered samples of a set that has `expected`. */
export function estimate(answered: readonly Measured[], metric: Metric, expected = answered.length): Estimate {
  return estimateSeeds([answered], metric, expected);
}

/** As `estimate`, over several seeds. */
function estimateSeeds(seeds: readonly (readonly Measured[])[], metric: Metric, expected: number): Estimate {
  const there = seeds.map((answered) => answered.filter((sample) => !isMissing(sample, metric)).length);
  const coverage = Math.min(...there) / expected;
  const values = coverage === 1 ? paired(seeds, (sample) => measuredOf(sample, metric)) : undefined;
  if (!values) return { value: null, coverage };
  return { value: values.length === 1 ? bootstrapMean(values[0]!) : bootstrapSeeds(values), coverage };
}

/** The values of the samples that have one in every seed: [seed][sample], in one order. Undefined where no sample has one. */
function paired<T>(
  seeds: readonly (readonly Measured[])[],
  read: (sample: Measured) => T | null,
): NonNullable<T>[][] | undefined {
  const byId = seeds.map((answered) => new Map(answered.map((sample) => [sample.id, read(sample)])));
  const ids = seeds[0]!.map(({ id }) => id).filter((id) => byId.every((values) => (values.get(id) ?? null) !== null));
  if (ids.length === 0) return undefined;
  return byId.map((values) => ids.map((id) => values.get(id)!));
}

/** The value of one sample for a metric; null where it does not apply or is missing. */
export function measuredOf(sample: Measured, metric: Metric): number | null {
  return READ[metric](sample);
}

/** Whether a sample lacks its judge's verdict. Other metrics cannot fail: they are null only where they do not apply. */
export function isMissing({ acc, rating }: Measured, metric: Metric): boolean {
  if (metric === "rating" || metric === "hallucination") return rating === null;
  return acc === null && rating === undefined && (metric === "acc" || metric === "accBinary");
}
