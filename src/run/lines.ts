/**
 * @file The one definition of every line and file of a run folder: writers use the types inferred here, readers check with the
 * same schemas. Numbers are null where they do not apply or were not finite. Readers accept lines without keys that older
 * versions did not write, and keep unknown keys.
 */

import { z } from "zod";

const number = z.number().nullable();
const numbers = z.record(z.string(), z.number().nullable());
const quad = z.tuple([z.number(), z.number(), z.number(), z.number()]);

const pixels = z.int().positive();

/** A box that the model wrote: in image pixels, with its character range in the text and the flaws the parser found. */
const placedBox = z.object({
  box: quad,
  start: z.number(),
  end: z.number(),
  duplicate: z.boolean().optional(),
  degenerate: z.boolean().optional(),
  outOfBounds: z.boolean().optional(),
});
export type BoxLine = z.infer<typeof placedBox>;

/** A reward's score: a number, or why there is none. */
const score = z.union([z.number(), z.object({ unscored: z.string() }), z.null()]);
export type ScoreLine = z.infer<typeof score>;

/** `run.json`. */
export const runSchema = z.object({
  recipe: z.unknown().optional(),
  seed: z.unknown().optional(),
  versions: z.unknown().optional(),
  machine: z.unknown().optional(),
  git: z.unknown().optional(),
  /** Hash of the model it starts from. */
  model: z.string().optional(),
  data: z.unknown().optional(),
  /** Keys of the recipe that were changed when the run was resumed after a step; values as JSON. */
  changes: z
    .array(z.object({ step: z.number(), key: z.string(), from: z.string().nullable(), to: z.string().nullable() }))
    .optional(),
});
export type Run = z.infer<typeof runSchema>;

/** What alarms look at in the groups of a step. All but the correlations are counts, so that steps can be added up. */
const signs = z.object({
  chains: z.number(),
  /** Groups; those whose rewards are all alike, so that they teach nothing; of these, with every answer right, or wrong. */
  groups: z.object({ all: z.number(), alike: z.number(), alikeRight: z.number(), alikeWrong: z.number() }),
  /** Chains with boxes; those that name a box twice or nearly so; those with one over the whole image, where no object fills it. */
  boxed: z.object({ all: z.number(), repeated: z.number(), wholeImage: z.number() }),
  /** Chains whose rethink ends in a value like their answer; those that answer otherwise. */
  rethink: z.object({ all: z.number(), otherwise: z.number() }),
  /**
   * Answers that both the judge and the rule `exact` scored; those that are right by the judge, by the rule, by both. Those that the rule
   * refutes, beside what it only cannot read; of them, those that the judge calls right. Older versions did not count these two.
   */
  judged: z.object({
    all: z.number(),
    judge: z.number(),
    rule: z.number(),
    both: z.number(),
    refuted: z.number().optional(),
    pardoned: z.number().optional(),
  }),
  /** Correlation of two terms of the reward within groups, by `term, term`; null where one of them does not vary. */
  correlations: numbers,
});
export type Signs = z.infer<typeof signs>;

/** Something is wrong with a training that nobody has stopped. */
const alarm = z.object({
  /** Which alarm, e.g. `kl-runaway`. */
  name: z.string(),
  /** The step at which it began. */
  since: z.number(),
  /** What made it ring, by name. */
  figures: z.record(z.string(), z.number()),
  /** One sentence: what is wrong. */
  message: z.string(),
  /** What to do, with the key of the recipe. */
  remedy: z.string(),
});
export type Alarm = z.infer<typeof alarm>;

/** A line of `metrics.jsonl`: one step. Shares are 0-1, times seconds, lengths tokens. */
export const metricsLine = z.object({
  step: z.int().positive(),
  reward: z.object({ mean: number, std: number, terms: numbers }),
  /** Share of the answer term's full marks. */
  accuracy: number,
  /** Grounding IoU of the samples that have true boxes. */
  giou: number,
  wellFormed: number,
  boxes: z.object({ perChain: number, duplicate: number, degenerate: number, outOfBounds: number }),
  length: z.object({ mean: number, max: number }),
  ending: z.object({ stop: number, length: number }),
  /** Chains without a total: see `Unscored`. */
  unscored: number,
  advantage: z.object({ absMean: number, effectiveGroups: number }),
  loss: number,
  kl: number,
  entropy: number,
  clipFraction: number,
  gradNorm: number,
  /** Updates that moved the weights. */
  updates: z.int().nonnegative(),
  /** Updates that were left out because their loss, KL or gradient was not finite. */
  skipped: z.number(),
  /** What was not finite: `advantage`, `loss`, `KL`, `gradient`, a parameter after its update; absent where all was. */
  notFinite: z.array(z.string()).optional(),
  lr: number,
  /** Difference between a token's log-probability when it was sampled and when it was trained on. */
  mismatch: z.object({ mean: number, max: number }),
  tokensPerSecond: number,
  /** By phase, and in all. */
  seconds: numbers,
  rssMB: number,
  signs,
  /** The alarms that ring after this step; absent where none does. */
  alarms: z.array(alarm).optional(),
  /** Numbers of the held-out sets by name, where they were asked after this step. */
  heldOut: z.record(z.string(), z.record(z.string(), z.number().nullable().optional())).optional(),
});
export type MetricsLine = z.infer<typeof metricsLine>;

export const metricsSchema = metricsLine.partial().required({ step: true });
export type Metrics = z.infer<typeof metricsSchema>;

/** A line of `rollouts/step-NNNNNN.jsonl`: one sampled chain with its scores. */
export const rolloutSchema = z.object({
  step: z.int().positive(),
  /** Chains of one group answer the same sample. */
  group: z.number(),
  id: z.string(),
  dataset: z.string(),
  image: z.string(),
  width: pixels,
  height: pixels,
  question: z.string(),
  answer: z.string(),
  text: z.string(),
  ids: z.array(z.number()).readonly().optional(),
  /** Log-probability of each id under the policy that sampled it, to four decimals. */
  logprobs: z.array(number).readonly().optional(),
  boxes: z.array(placedBox),
  terms: z.record(z.string(), score),
  total: score,
  advantage: number,
  ending: z.string(),
});
export type RolloutLine = z.infer<typeof rolloutSchema>;

const yesNo = z.enum(["yes", "no"]);

/**
 * A line of `samples.jsonl`, of an evaluation's folder or of a run's `eval/<name>/`: one answered sample. A metric that does
 * not apply to it is null.
 */
export const answeredLine = z.object({
  id: z.string(),
  dataset: z.string(),
  set: z.string(),
  /** Path of the image file, and the hash of its bytes. */
  image: z.string(),
  sha256: z.string(),
  width: pixels,
  height: pixels,
  question: z.string(),
  answer: z.string(),
  text: z.string(),
  response: z.string().nullish(),
  boxes: z.array(placedBox),
  gtBoxes: z.array(quad),
  /** Null when it could not be judged: `unscored` says why. */
  acc: number,
  unscored: z.string().optional(),
  /** In the place of `acc`, which is then null, where answers are rated from 0 to 6: see `Rater`. */
  rating: number.optional(),
  /** Null where there are no true boxes; so are the next two. */
  giou: number,
  giouRaw: number,
  f1: number,
  /** IoU of the answered box in detection samples; null in others, and missing in evaluations of earlier versions. */
  answerIoU: number.optional(),
  /** The answer to a yes/no question. */
  yesNo: z.object({ truth: yesNo, said: yesNo.nullable() }).nullable(),
  /** Letter accuracy of a multiple-choice question, 0 or 1. */
  choice: number,
  ending: z.string(),
  tokens: z.number(),
});
export type Answered = z.infer<typeof answeredLine>;

/** Of a run's `eval/<name>/`, whose images are named by their hash. */
export const answeredSchema = answeredLine.partial({
  sha256: true,
  giouRaw: true,
  f1: true,
  yesNo: true,
  choice: true,
});
export type ReadAnswer = z.infer<typeof answeredSchema>;

/** One metric of one set: before, after, and the paired gain with its 95 % interval. */
const change = z.object({
  before: z.number(),
  after: z.number(),
  gain: z.number(),
  low: z.number(),
  high: z.number(),
});
export type Change = z.infer<typeof change>;

/** Share of samples whose accuracy is known, where that is not all: the accuracy is then partial, and null. */
const coverage = z.number().optional();

/** One set, before and after. `acc` or `giou` is null where the set has no such metric. */
const setChange = z.object({ n: z.number(), acc: change.nullish(), giou: change.nullish(), coverage });
export type SetChange = z.infer<typeof setChange>;

/** One way of asking on every set: a row of the table of references. */
const row = z.object({
  name: z.string(),
  sets: z.record(
    z.string(),
    z.object({ acc: number, giou: number, n: number, accLow: number, accHigh: number, coverage }),
  ),
});
export type Row = z.infer<typeof row>;

/** `summary.json`. */
export const summarySchema = z.object({
  sets: z.record(z.string(), setChange).optional(),
  rows: z.array(row).optional(),
  gate: z.unknown().optional(),
  seconds: numbers.optional(),
});
export type Summary = z.infer<typeof summarySchema>;
