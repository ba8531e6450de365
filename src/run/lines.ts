/**
 * @file What the report reads from a run folder. Every part may be missing: a run that still trains has no evaluation
 * yet, and one that only evaluates has no steps. Numbers may be null where they do not apply. Unknown keys are left be.
 */

import { z } from "zod";

const number = z.number().nullish();
const numbers = z.record(z.string(), z.number().nullable());
const quad = z.tuple([z.number(), z.number(), z.number(), z.number()]);

/** A box the model wrote: image pixels, its character range in the text, and the flaws the parser saw. */
const placedBox = z.object({
  box: quad,
  start: z.number(),
  end: z.number(),
  duplicate: z.boolean().optional(),
  degenerate: z.boolean().optional(),
  outOfBounds: z.boolean().optional(),
});
export type BoxLine = z.infer<typeof placedBox>;

/** A reward's verdict: a number, or why there is none. */
const score = z.union([z.number(), z.object({ unscored: z.string() }), z.null()]);
export type ScoreLine = z.infer<typeof score>;

/** `run.json`. */
export const runSchema = z.object({
  recipe: z.unknown().optional(),
  seed: z.unknown().optional(),
  versions: z.unknown().optional(),
  machine: z.unknown().optional(),
  git: z.unknown().optional(),
  data: z.unknown().optional(),
});
export type Run = z.infer<typeof runSchema>;

/** A line of `metrics.jsonl`: one optimizer step. Shares are 0-1, times seconds, lengths tokens. */
export const metricsSchema = z.object({
  step: z.number(),
  seconds: numbers.optional(),
  reward: z.object({ mean: number, std: number, terms: numbers.optional() }).optional(),
  accuracy: number,
  giou: number,
  wellFormed: number,
  boxes: z.object({ perChain: number, duplicate: number, degenerate: number, outOfBounds: number }).optional(),
  advantage: z.object({ absMean: number, effectiveGroups: number }).optional(),
  kl: number,
  entropy: number,
  loss: number,
  gradNorm: number,
  lr: number,
  clipFraction: number,
  length: z.object({ mean: number, max: number }).optional(),
  ending: z.object({ stop: number, length: number }).optional(),
  mismatch: z.object({ mean: number, max: number }).optional(),
  tokensPerSecond: number,
  rssMB: number,
  unscored: number,
});
export type Metrics = z.infer<typeof metricsSchema>;

/** A line of `rollouts/step-NNNNNN.jsonl`: one sampled chain with its scores. */
export const rolloutSchema = z.object({
  step: z.number(),
  group: z.union([z.number(), z.string()]),
  id: z.string(),
  dataset: z.string(),
  image: z.string(),
  width: z.number(),
  height: z.number(),
  question: z.string(),
  answer: z.string(),
  text: z.string(),
  boxes: z.array(placedBox),
  terms: z.record(z.string(), score),
  total: score,
  advantage: number,
  ending: z.string(),
});
export type RolloutLine = z.infer<typeof rolloutSchema>;

/**
 * A line of `eval/<name>/samples.jsonl`: one answered sample. `acc` and `giou` are null where they do not apply; `unscored` says
 * why there is no `acc` although it should be.
 */
export const answeredSchema = z.object({
  id: z.string(),
  dataset: z.string(),
  set: z.string(),
  image: z.string(),
  width: z.number(),
  height: z.number(),
  question: z.string(),
  answer: z.string(),
  text: z.string(),
  response: z.string().nullish(),
  boxes: z.array(placedBox),
  gtBoxes: z.array(quad),
  acc: number,
  unscored: z.string().optional(),
  giou: number,
  ending: z.string(),
  tokens: number,
});
export type Answered = z.infer<typeof answeredSchema>;

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

/** One way of asking, on every set: a line of the table of references. */
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
