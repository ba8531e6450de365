/**
 * @file The losses, token by token. GRPO-GR's objective (paper, eq. 3):
 *
 *   J = 1/N Σᵢ [ min(sᵢ Aᵢ, clip(sᵢ, 1−ε, 1+ε) Aᵢ) − β D_KL(π_θ ‖ π_ref)ᵢ ],  sᵢ = π_θ(oᵢ|q) / π_old(oᵢ|q)
 *
 * The KL term is the k3 estimate exp(r) − r − 1 with r = log π_ref − log π_θ.
 */
import { add, cast, clamp, detach, exp, gt, mean, minimum, mul, neg, sub, sum } from "../torch/ops.ts";
import type { Tensor } from "../torch/tensor.ts";

/** How token losses become one number: by sequence, then over sequences (GRPO); over all tokens (DAPO); over sequences
 * by the constant length `maxTokens` (Dr. GRPO). */
export type Normalization = "sequence" | "token" | "dr_grpo";

export interface GrpoLoss {
  readonly kind: "grpo";
  /** `on_policy`: the ratio is identically 1, as in the original's released code; `clipped`: the paper's form. */
  readonly form: "on_policy" | "clipped";
  readonly epsilonLow: number;
  readonly epsilonHigh: number;
  readonly beta: number;
  readonly normalize: Normalization;
  /** For `dr_grpo`. */
  readonly maxTokens: number;
}

/** Mean negative log-likelihood over all learned tokens: supervised training. */
export interface NllLoss {
  readonly kind: "nll";
}

export type Loss = GrpoLoss | NllLoss;

/** Means over a batch's learned tokens where nothing else is said. */
export interface LossMetrics {
  /** The loss itself, normalised as it says. */
  readonly loss: number;
  readonly tokens: number;
  readonly kl: number;
  readonly entropy: number;
  /** Share of tokens whose ratio was clipped. */
  readonly clipFraction: number;
  /** |log π_train − log π_sample| of the same tokens, and its largest value. */
  readonly mismatchMean: number;
  readonly mismatchMax: number;
}

/** Values of each of T learned tokens, all [T] float32. */
export interface TokenInputs {
  readonly advantage: Tensor;
  /** Absent on-policy. */
  readonly old: Tensor | undefined;
  /** Absent without KL. */
  readonly reference: Tensor | undefined;
}

/** Largest exponent in a KL or ratio term: exp(20) is far beyond any healthy value and still finite when squared. */
const MAX_LOG_RATIO = 20;

/** k3 = exp(r) − r − 1 ≥ 0 per token, r = reference − policy log-probability. */
export function k3(logprobs: Tensor, reference: Tensor): Tensor {
  const r = clamp(sub(reference, logprobs), -MAX_LOG_RATIO, MAX_LOG_RATIO);
  return sub(sub(exp(r), r), 1);
}

/** What a loss gives for T tokens. */
export interface TokenLosses {
  /** Of each token [T], before normalisation. */
  readonly losses: Tensor;
  /** For the log, on the device: the share of clipped tokens, and the mean KL; absent where the loss has no such thing. */
  readonly clipped?: Tensor | undefined;
  readonly kl?: Tensor | undefined;
}

/** The loss of each token. */
export function tokenLosses(loss: Loss, logprobs: Tensor, inputs: TokenInputs): TokenLosses {
  if (loss.kind === "nll") return { losses: neg(logprobs) };
  const old = loss.form === "on_policy" || !inputs.old ? detach(logprobs) : inputs.old;
  const ratio = exp(clamp(sub(logprobs, old), -MAX_LOG_RATIO, MAX_LOG_RATIO));
  let gain = mul(ratio, inputs.advantage);
  let clipped: Tensor | undefined;
  if (loss.form === "clipped") {
    const bounded = mul(clamp(ratio, 1 - loss.epsilonLow, 1 + loss.epsilonHigh), inputs.advantage);
    clipped = mean(cast(gt(gain, bounded), "float32"));
    gain = minimum(gain, bounded);
  }
  if (!inputs.reference) return { losses: neg(gain), clipped };
  const divergence = k3(logprobs, inputs.reference);
  const kl = mean(detach(divergence));
  return { losses: loss.beta === 0 ? neg(gain) : add(neg(gain), mul(divergence, loss.beta)), clipped, kl };
}

/** How much a loss is normalised over: sequences, and their learned tokens. */
export interface BatchSize {
  readonly sequences: number;
  readonly tokens: number;
}

/** The size of a batch of sequences of such lengths. */
export function batchSize(lengths: readonly number[]): BatchSize {
  return { sequences: lengths.length, tokens: lengths.reduce((a, b) => a + b, 0) };
}

/**
 * Each sequence's weight per token, so that the weighted sum of token losses is the batch's loss. Where these sequences are a part
 * of a batch, `whole` is its size.
 */
export function tokenWeights(
  loss: Loss,
  lengths: readonly number[],
  { sequences, tokens }: BatchSize = batchSize(lengths),
): number[] {
  if (loss.kind === "nll" || loss.normalize === "token") return lengths.map(() => 1 / tokens);
  if (loss.normalize === "dr_grpo") return lengths.map(() => 1 / (loss.maxTokens * sequences));
  return lengths.map((length) => 1 / (length * sequences));
}

/** The metrics of a batch from those of its parts. */
export function together(parts: readonly LossMetrics[]): LossMetrics {
  if (parts.length === 1) return parts[0]!;
  const sum = (value: (part: LossMetrics) => number) => parts.reduce((total, part) => total + value(part), 0);
  const tokens = sum((part) => part.tokens);
  const mean = (key: "kl" | "entropy" | "clipFraction" | "mismatchMean") =>
    sum((part) => part[key] * part.tokens) / tokens;
  return {
    loss: sum((part) => part.loss),
    tokens,
    kl: mean("kl"),
    entropy: mean("entropy"),
    clipFraction: mean("clipFraction"),
    mismatchMean: mean("mismatchMean"),
    mismatchMax: Math.max(...parts.map((part) => part.mismatchMax)),
  };
}

/** Σ weight · loss. */
export function weighted(losses: Tensor, weights: Tensor): Tensor {
  return sum(mul(losses, weights));
}
