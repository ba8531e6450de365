/**
 * @file The five verbs a training loop speaks, and the records they take. The loop never touches a tensor.
 */

import type { Part } from "../models/model.ts";
import type { Loss, LossMetrics } from "../objective/loss.ts";
import type { Processor } from "../prompt/prompt.ts";
import type { Completion, Prompt } from "../records.ts";
import type { ComputeType } from "../torch/precision.ts";
import type { MemoryEstimate, Workload } from "./memory.ts";

export interface SampleOptions {
  /** Completions a prompt. */
  readonly n: number;
  readonly maxTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
  /** Keep the likeliest tokens whose probabilities add up to this. Default 1: all. */
  readonly topP?: number;
  /** Keep that many likeliest tokens. Default 0: all. */
  readonly topK?: number;
  /** One for the call, or one for each prompt. A prompt with a seed of its own is answered alike in whatever call it comes. */
  readonly seed: number | readonly number[];
  /** Texts that end a completion; they stay part of it, with whatever else their last token holds. */
  readonly stop?: readonly string[];
  /** Called as the work comes on, with the completions done, parts of them counting too. */
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** Completions of one prompt, to be scored. */
export interface ScoreGroup {
  readonly prompt: Prompt;
  readonly completions: readonly (readonly number[])[];
}

/** One completion to learn from. */
export interface TrainItem {
  /** Tokens between the shared prompt and `ids` that are read but not learned. */
  readonly context?: readonly number[];
  readonly ids: readonly number[];
  /** One for all its tokens. Unused by `nll`. */
  readonly advantage: number;
  /** Log-probabilities when it was sampled; the policy's own when absent (on-policy). */
  readonly oldLogprobs?: readonly number[];
  /** Under the frozen reference; absent without a KL term. */
  readonly referenceLogprobs?: readonly number[];
}

export interface TrainGroup {
  readonly prompt: Prompt;
  readonly items: readonly TrainItem[];
}

export interface StepOptions {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  /** Largest L2 norm of the whole gradient; it is scaled down to it. */
  readonly clipNorm: number;
}

export interface StepMetrics {
  /** Before clipping. */
  readonly gradNorm: number;
  /** True when the gradient was not finite and the update was left out. */
  readonly skipped: boolean;
}

export interface BackwardResult {
  readonly metrics: LossMetrics;
  /** New log-probabilities, by group and item. */
  readonly logprobs: readonly (readonly (readonly number[])[])[];
}

export interface Engine {
  readonly processor: Processor;
  readonly device: string;
  readonly precision: ComputeType;
  /** The trained parts that no update has moved so far. */
  readonly still: readonly Part[];
  /** Bytes that a training step will take at its peak, by what they are for. */
  memory(workload: Workload): MemoryEstimate;
  /** @throws UserError when a prompt, which `name` names, with so many new tokens is longer than the model's context */
  checkLength(prompt: Prompt, newTokens: number, name?: string): void;
  sample(prompts: readonly Prompt[], options: SampleOptions): Promise<Completion[][]>;
  score(who: "policy" | "reference", groups: readonly ScoreGroup[]): number[][][];
  forwardBackward(groups: readonly TrainGroup[], loss: Loss): BackwardResult;
  step(options: StepOptions): StepMetrics;
  /** Full training state into a folder, and back. */
  save(dir: string): void;
  load(dir: string): void;
  /** A plain Hugging Face checkpoint. */
  export(dir: string): void;
  dispose(): void;
}
