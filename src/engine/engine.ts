/**
 * @file The verbs a training loop speaks, and the records they take. The loop never touches a tensor.
 */

import type { Part } from "../models/model.ts";
import type { BatchSize, Loss, LossMetrics } from "../objective/loss.ts";
import type { ImageOptions } from "../prompt/image-processor.ts";
import type { Processor } from "../prompt/prompt.ts";
import type { Completion, ImageInput, Prompt } from "../records.ts";
import type { ComputeType, Precision } from "../torch/precision.ts";
import type { Cancellable } from "../util/interruptible.ts";
import type { MachineRecord } from "./computing.ts";
import type { MemoryEstimate, Offload, Workload } from "./memory.ts";
import type { LoraOptions } from "./policy.ts";

export interface EngineOptions {
  /** `auto`: the first GPU, else the CPU. */
  readonly device?: string;
  /** Type of the computation, `auto` unless given; trained parameters and their moments are float32 always. */
  readonly precision?: Precision;
  readonly freeze?: readonly Part[];
  /** Train a new adapter, and nothing of the checkpoint itself. */
  readonly lora?: LoraOptions;
  /** Seed of the adapter's dropout. */
  readonly seed?: number;
  /** Keep the initial weights, frozen, for `score("reference", …)`; with an adapter that is the base itself. */
  readonly reference?: boolean;
  /** Tokens a pass takes at most when it trains or scores. */
  readonly microBatchTokens?: number;
  /**
   * Logits held at a time, tokens times vocabulary, when a pass trains or scores. No number depends on it but by rounding;
   * the default, 2^25, is 220 tokens of Qwen's vocabulary in 134 MB.
   */
  readonly logitChunk?: number;
  /** Run each layer again for its gradient instead of keeping its activations. */
  readonly activationCheckpointing?: boolean;
  /** What rests in the host's memory. */
  readonly offload?: Offload;
  /** Make room for updates now, rather than at the first of them: what does not fit is found before the work begins. */
  readonly training?: boolean;
  /** Pixel policy over the processor's files. */
  readonly image?: ImageOptions;
  /** Let every completion get as long as it may, by sampling no special token: for benchmarks. */
  readonly unending?: boolean;
}

/** How completions are sampled. */
export interface Sampling {
  /** Completions a prompt. */
  readonly n: number;
  readonly maxTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
  /** Keep the likeliest tokens whose probabilities add up to this. Default 1: all. */
  readonly topP?: number;
  /** Keep that many likeliest tokens. Default 0: all. */
  readonly topK?: number;
  /** The place of each prompt in the batch that the seed is for, where it is not its place in the call. */
  readonly places?: readonly number[];
  /** One for the call, or one for each prompt. A prompt with a seed of its own is answered alike in whatever call it comes. */
  readonly seed: number | readonly number[];
  /** Texts that end a completion; they stay part of it, with whatever else their last token holds. */
  readonly stop?: readonly string[];
}

/** Who hears of completions while they are sampled. */
export interface SamplingListener {
  /** Called as the work comes on, with the completions done, parts of them counting too. */
  readonly onProgress?: ((done: number) => void) | undefined;
  /** Called with a prompt's place among the prompts and its completions, as soon as the last of them has ended. */
  readonly onGroup?: ((prompt: number, completions: readonly Completion[]) => void) | undefined;
}

export interface SampleOptions extends Sampling, SamplingListener, Cancellable {}

/** How one completion is sampled, while others are. */
export interface Streaming extends Omit<Sampling, "n" | "seed"> {
  readonly seed: number;
  /** The likeliest tokens to tell of with every token. Default 0. */
  readonly alternatives?: number;
}

/** A token of a completion under way. */
export interface StreamedToken {
  readonly id: number;
  /** At temperature 1, whatever the sampling. */
  readonly logprob: number;
  /** What it adds to the text; empty while a character is incomplete. */
  readonly text: string;
  /** The likeliest tokens in its place, the best first. */
  readonly alternatives: readonly { readonly id: number; readonly logprob: number }[];
}

export interface StreamOptions extends Streaming, Cancellable {
  readonly onToken?: ((token: StreamedToken) => void) | undefined;
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

export interface BackwardOptions extends Cancellable {
  /** The size of the batch that the groups are a part of; absent where they are all of it. */
  readonly whole?: BatchSize;
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
  /** True when the loss, its KL or the gradient was not finite and the update was left out. */
  readonly skipped: boolean;
  /** Which of them: `loss`, `KL`, `gradient`. */
  readonly notFinite: readonly string[];
  /** A parameter that the update left with values that are not finite: the policy is lost. */
  readonly spoilt: string | undefined;
}

export interface BackwardResult {
  readonly metrics: LossMetrics;
  /** New log-probabilities, by group and item. */
  readonly logprobs: readonly (readonly (readonly number[])[])[];
}

/** What is known of an engine once it is open. */
export interface EngineDescription {
  /** The checkpoint folder; the base's, where an adapter was opened. */
  readonly dir: string;
  readonly device: string;
  readonly precision: ComputeType;
  /** Token ids below this are the model's. */
  readonly vocabulary: number;
  /** Parameters in all and trained ones, by part. */
  readonly parameters: ReadonlyMap<Part, { readonly total: number; readonly trainable: number }>;
  /** What its numbers and times depend on. */
  readonly machine: MachineRecord;
  /** libtorch's version. */
  readonly libtorch: string;
  /** What it computes with, in words for the person who waits. */
  readonly computing: string;
  /** The trained parts that no update has moved so far. */
  readonly still: readonly Part[];
}

/** A policy that samples and learns. Its verbs are carried out one after another, in the order of the calls. */
export interface Engine extends EngineDescription {
  readonly processor: Processor;
  /** Why it can no longer be asked: what computes has ended. Undefined while it lives. */
  readonly death: Error | undefined;
  /** An image as the model takes it, from the bytes of its file: as `processor.image`, in a thread of its own. @throws UserError */
  image(bytes: Uint8Array): Promise<ImageInput>;
  /** Bytes that a training step will take at its peak, by what they are for. */
  memory(workload: Workload): Promise<MemoryEstimate>;
  /**
   * Runs the fullest micro-batches of a step once, where running short of memory can be caught, and forgets their gradient: what does not
   * fit shows before the first step. `prompt` is the longest one. @throws OutOfMemory
   */
  rehearse(prompt: Prompt, workload: Workload, loss: Loss): Promise<void>;
  /** `n` completions of every prompt: [prompt][k]. @throws UserError for a prompt without room for them */
  sample(prompts: readonly Prompt[], options: SampleOptions): Promise<Completion[][]>;
  /**
   * One completion, in one batch with all others that are asked for in this way: it joins them and leaves between tokens. Other
   * verbs wait until those under way have ended. @throws UserError for a prompt without room for it
   */
  stream(prompt: Prompt, options: StreamOptions): Promise<Completion>;
  /** Log-probabilities of given completions: [group][completion][token]. */
  score(who: "policy" | "reference", groups: readonly ScoreGroup[], options?: Cancellable): Promise<number[][][]>;
  /** Adds the groups' gradient. A call that fails leaves no gradient at all, not that of the calls before it either. */
  forwardBackward(groups: readonly TrainGroup[], loss: Loss, options?: BackwardOptions): Promise<BackwardResult>;
  /**
   * One update from the gradient, which is cleared. Of several processes that train together all call it, and the gradient is the sum of
   * theirs.
   */
  step(options: StepOptions & Cancellable): Promise<StepMetrics>;
  /**
   * Attention to lists of `places` from where the policy chooses each of `ids`: [list][layer][token] in [0, 1], mean over heads.
   * Places count through the prompt's ids and on through `ids`.
   */
  attentionTo(
    places: readonly (readonly number[])[],
    prompt: Prompt,
    ids: readonly number[],
    options?: Cancellable,
  ): Promise<number[][][]>;
  /** Full training state into a folder, and back. */
  save(dir: string, options?: Cancellable): Promise<void>;
  load(dir: string): Promise<void>;
  /** A plain Hugging Face checkpoint, or the adapter's folder; `merge` folds an adapter into its base. */
  export(dir: string, options?: Cancellable & { readonly merge?: boolean }): Promise<void>;
  /** Frees what it holds. */
  dispose(): Promise<void>;
}
