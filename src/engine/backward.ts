/** @file The gradient of a loss over groups, micro-batch after micro-batch: forward, loss over chunks of tokens, backward. */

import { forwardPass, type PassOptions } from "../models/forward.ts";
import type { Weights } from "../models/weights.ts";
import { type Loss, type LossMetrics, tokenLosses, tokenWeights, weighted } from "../objective/loss.ts";
import { detach, floats, narrow, sum, toDevice } from "../torch/ops.ts";
import { noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import type { BackwardResult, TrainGroup } from "./engine.ts";
import { entropies, tokenLogprobs } from "./logprobs.ts";
import { type Bundle, bundleTokens, byBudget } from "./packing.ts";
import { type Passes, unflatten } from "./passes.ts";

export interface BackwardContext {
  readonly passes: Passes;
  /** The policy in the type of the computation; called in the scope of each micro-batch. */
  readonly weights: () => Weights;
  readonly microBatchTokens: number;
  readonly checkpointing: boolean;
  /** What is trained that a micro-batch with or without images can move. */
  readonly trained: (hasImages: boolean) => PassOptions["trained"];
}

interface Job {
  readonly group: TrainGroup;
  readonly weights: readonly number[];
}
type Totals = { -readonly [K in keyof LossMetrics]: number };

/** Adds the gradient of the loss over all groups to that of the parameters. */
export function backward(context: BackwardContext, groups: readonly TrainGroup[], loss: Loss): BackwardResult {
  const lengths = groups.flatMap(({ items }) => items.map(({ ids }) => ids.length));
  const shares = tokenWeights(loss, lengths).values();
  const jobs = groups.map((group) => ({ group, weights: group.items.map(() => shares.next().value!) }));
  const totals = { loss: 0, tokens: 0, kl: 0, entropy: 0, clipFraction: 0, mismatchMean: 0, mismatchMax: 0 };
  const size = (job: Job) => bundleTokens(bundleOf(job.group));
  const logprobs = byBudget(jobs, size, context.microBatchTokens).flatMap((micro) =>
    tidy(() => microBatch(context, micro, loss, totals)),
  );
  const { loss: value, tokens, mismatchMax, ...sums } = totals;
  const means = Object.fromEntries(Object.entries(sums).map(([key, total]) => [key, total / tokens]));
  return { metrics: { loss: value, tokens, mismatchMax, ...means } as LossMetrics, logprobs };
}

function microBatch(
  { passes, weights: compute, checkpointing, trained }: BackwardContext,
  jobs: readonly Job[],
  loss: Loss,
  totals: Totals,
): number[][][] {
  const weights = compute();
  const { input, attention, spans } = passes.lay(
    weights,
    jobs.map(({ group }) => bundleOf(group)),
  );
  const pass = forwardPass(passes.model, weights, input, attention, {
    checkpointing,
    trained: trained(input.features_MD !== undefined),
  });
  const items = jobs.flatMap(({ group, weights }) => group.items.map((item, i) => ({ ...item, weight: weights[i]! })));
  const perToken = (value: (item: (typeof items)[number], t: number) => number) => {
    const values = items.flatMap((item) => item.ids.map((_, t) => value(item, t)));
    return toDevice(floats(values, [values.length]), pass.hidden_TD.device);
  };
  const weight_T = perToken((item) => item.weight);
  const advantage_T = perToken((item) => item.advantage);
  const known = (key: "oldLogprobs" | "referenceLogprobs") =>
    items.every((item) => item[key]) ? perToken((item, t) => item[key]![t]!) : undefined;
  const [old_T, reference_T] = [known("oldLogprobs"), known("referenceLogprobs")];
  // The graph is cut at the hidden states: each chunk of logits is differentiated and freed before the next is made.
  const hidden_TD = detach(pass.hidden_TD).requiresGrad();
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
      totals.loss += total.item();
      totals.tokens += ids.length;
      totals.kl += kl * ids.length;
      totals.clipFraction += clipped * ids.length;
      if (loss.kind === "grpo") totals.entropy += tidy(() => noGrad(() => sum(entropies(detach(logits_TV))).item()));
      return detach(logprobs_T).toFloats();
    }),
  );
  pass.backward(hidden_TD.grad()!);
  const logprobs = unflatten(chunks, spans);
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
