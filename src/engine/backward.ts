/** @file The gradient of a loss over groups, micro-batch after micro-batch: forward, loss over chunks of tokens, backward. */

import { languageStages } from "../models/forward.ts";
import { passThrough } from "../models/stages.ts";
import type { Weights } from "../models/weights.ts";
import { type BatchSize, type Loss, type LossMetrics, tokenLosses, tokenWeights, weighted } from "../objective/loss.ts";
import type { ImageInput } from "../records.ts";
import { detach, floats, narrow, stack, sum, toDevice, zeros } from "../torch/ops.ts";
import { noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { byBudget } from "../util/arrays.ts";
import type { Cancellation } from "../util/interruptible.ts";
import type { BackwardResult, TrainGroup } from "./engine.ts";
import { entropies, tokenLogprobs } from "./logprobs.ts";
import type { GradientPass } from "./masters.ts";
import { type Bundle, bundleTokens } from "./packing.ts";
import { type Features, type Passes, readAll, unflatten } from "./passes.ts";

export interface BackwardContext {
  readonly passes: Passes;
  /** The policy in the type of the computation; called in the scope of each micro-batch. */
  readonly weights: () => Weights;
  readonly microBatchTokens: number;
  readonly checkpointing: boolean;
  /** Features of images, as training sees them. */
  readonly features: Features;
  /** What of the model is trained; `vision`: the tower or the connector. */
  readonly trained: { readonly language: boolean; readonly embeddings: boolean; readonly vision: boolean };
  /** Carries out the micro-batches, and takes in the gradient of each. */
  readonly accumulate: (passes: readonly GradientPass[]) => void;
  /** Takes the gradient that has arrived at the features of a micro-batch's images. */
  readonly arrived: (images: readonly ImageInput[], gradient_MD: Tensor) => void;
  /** Asked before each micro-batch. */
  readonly signal: Cancellation | undefined;
}

interface Job {
  /** Its place among the groups. */
  readonly index: number;
  readonly group: TrainGroup;
  readonly weights: readonly number[];
}
type Totals = { -readonly [K in keyof LossMetrics]: number };

/**
 * Adds the gradient of the loss over all groups to that of the parameters. Where memory ran short, `parts` says how many micro-batches
 * to make of one: a prompt is then read again for some of its completions, and the sum is the same. Where the groups are a part of a
 * batch, `whole` is its size. Means over no tokens are 0.
 */
export function backward(
  context: BackwardContext,
  groups: readonly TrainGroup[],
  loss: Loss,
  { whole, parts = 1 }: { readonly whole?: BatchSize | undefined; readonly parts?: number } = {},
): BackwardResult {
  const lengths = groups.flatMap(({ items }) => items.map(({ ids }) => ids.length));
  const shares = tokenWeights(loss, lengths, whole).values();
  const budget = Math.ceil(context.microBatchTokens / parts);
  const jobs = groups
    .map((group, index) => ({ index, group, weights: group.items.map(() => shares.next().value!) }))
    .flatMap((job) => (parts > 1 ? cut(job, budget) : [job]));
  const totals = { loss: 0, tokens: 0, kl: 0, entropy: 0, clipFraction: 0, mismatchMean: 0, mismatchMax: 0 };
  const size = (job: Job) => bundleTokens(bundleOf(job.group));
  const logprobs: number[][][] = groups.map(() => []);
  context.accumulate(
    byBudget(jobs, size, budget).map((micro) => (passed) => {
      context.signal?.throwIfAborted();
      const said = tidy(() => microBatch(context, micro, loss, totals, passed));
      for (const [i, { index }] of micro.entries()) logprobs[index]!.push(...said[i]!);
    }),
  );
  const { loss: value, tokens, mismatchMax, ...sums } = totals;
  const means = Object.fromEntries(Object.entries(sums).map(([key, total]) => [key, total / Math.max(tokens, 1)]));
  return { metrics: { loss: value, tokens, mismatchMax, ...means } as LossMetrics, logprobs };
}

/** A job as several, each with as many of its items as fit beside its prompt, at least one. */
function cut({ index, group, weights }: Job, budget: number): Job[] {
  const { prompt } = group;
  const items = group.items.map((item, i) => ({ item, weight: weights[i]! }));
  const size = ({ item }: (typeof items)[number]) =>
    bundleTokens(bundleOf({ prompt, items: [item] })) - prompt.ids.length;
  return byBudget(items, size, budget - prompt.ids.length).map((some) => ({
    index,
    group: { prompt, items: some.map(({ item }) => item) },
    weights: some.map(({ weight }) => weight),
  }));
}

/** Below so many tokens no micro-batch can be cut further: the longest prompt with one completion. */
export function leastTokens(groups: readonly TrainGroup[]): number {
  const sizes = groups.flatMap(({ prompt, items }) =>
    items.map((item) => bundleTokens(bundleOf({ prompt, items: [item] }))),
  );
  return Math.max(...sizes);
}

function microBatch(
  context: BackwardContext,
  jobs: readonly Job[],
  loss: Loss,
  totals: Totals,
  passed: () => void,
): number[][][] {
  const { passes, checkpointing, trained } = context;
  const weights = context.weights();
  const { input, attention, spans } = passes.lay(
    weights,
    jobs.map(({ group }) => bundleOf(group)),
    context.features,
  );
  const seen_MD = trained.vision ? input.features_MD?.requiresGrad() : undefined;
  const pass = passThrough(languageStages(passes.model, weights, input, attention), {
    checkpointing,
    trained: { stages: trained.language, inputs: trained.embeddings || seen_MD !== undefined },
    passed,
  });
  const { device } = pass.out;
  const items = jobs.flatMap(({ group, weights }) => group.items.map((item, i) => ({ ...item, weight: weights[i]! })));
  const perToken = (value: (item: (typeof items)[number], t: number) => number) => {
    const values = items.flatMap((item) => item.ids.map((_, t) => value(item, t)));
    return toDevice(floats(values, [values.length]), device);
  };
  const weight_T = perToken((item) => item.weight);
  const advantage_T = perToken((item) => item.advantage);
  const known = (key: "oldLogprobs" | "referenceLogprobs") =>
    items.every((item) => item[key]) ? perToken((item, t) => item[key]![t]!) : undefined;
  const [old_T, reference_T] = [known("oldLogprobs"), known("referenceLogprobs")];
  const none = zeros([], "float32", device);
  // The graph is cut at the hidden states: each chunk of logits is differentiated and freed before the next is made.
  const hidden_TD = detach(pass.out).requiresGrad();
  const chunks = Array.from(passes.chunks(spans), ({ start, rows, ids }) =>
    tidy(() => {
      const part = (column_T: Tensor) => narrow(column_T, 0, start, ids.length);
      const logits_TV = passes.logits(weights, hidden_TD, rows);
      const logprobs_T = tokenLogprobs(logits_TV, ids);
      const { losses, clipped, kl } = tokenLosses(loss, logprobs_T, {
        advantage: part(advantage_T),
        old: old_T && part(old_T),
        reference: reference_T && part(reference_T),
      });
      const total = weighted(losses, part(weight_T));
      total.backward();
      return noGrad(() => {
        const entropy = loss.kind === "grpo" ? tidy(() => sum(entropies(logits_TV))) : none;
        return { measures_4: stack([total, kl ?? none, clipped ?? none, entropy], 0), logprobs_T };
      });
    }),
  );
  pass.backward(hidden_TD.grad()!);
  if (seen_MD) context.arrived(input.images, seen_MD.grad()!);
  // Measures and log-probabilities stay on the device until here: one read a micro-batch.
  const read = readAll([...chunks.map(({ measures_4 }) => measures_4), ...chunks.map(({ logprobs_T }) => logprobs_T)]);
  const values = read.slice(chunks.length);
  for (const [i, { length: tokens }] of values.entries()) {
    const [loss, kl, clipped, entropy] = read[i] as unknown as [number, number, number, number];
    totals.loss += loss;
    totals.tokens += tokens;
    totals.kl += kl * tokens;
    totals.clipFraction += clipped * tokens;
    totals.entropy += entropy;
  }
  const logprobs = unflatten(values, spans);
  for (const [i, trained] of logprobs.flat().entries()) {
    for (const [t, old] of (items[i]!.oldLogprobs ?? []).entries()) {
      const gap = Math.abs(trained[t]! - old);
      totals.mismatchMean += gap;
      totals.mismatchMax = Math.max(totals.mismatchMax, gap);
    }
  }
  return logprobs;
}

function bundleOf({ prompt, items }: TrainGroup): Bundle {
  return { prompt, branches: items.map(({ context, ids }) => ({ context: context ?? [], ids })) };
}
