/**
 * @file The local engine: libtorch in this process. The policy that samples and the policy that trains are the same
 * weights in the same kernels.
 */

import { encodeImages, forward } from "../models/forward.ts";
import type { Attention, Model, Part } from "../models/model.ts";
import type { Weights } from "../models/weights.ts";
import type { Loss } from "../objective/loss.ts";
import type { ImageOptions } from "../prompt/image-processor.ts";
import { Processor } from "../prompt/prompt.ts";
import type { Completion, ImageInput, Prompt } from "../records.ts";
import { hasFlashAttention } from "../torch/ops.ts";
import { type ComputeType, computeType, type Precision } from "../torch/precision.ts";
import { keep, noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { UserError } from "../util/errors.ts";
import { stream } from "../util/random.ts";
import { checkAgreement } from "./agreement.ts";
import { backward } from "./backward.ts";
import { deviceMemory, resolveDevice } from "./device.ts";
import type {
  BackwardResult,
  Engine,
  SampleOptions,
  ScoreGroup,
  StepMetrics,
  StepOptions,
  TrainGroup,
} from "./engine.ts";
import { FeatureCache, imageKey } from "./features.ts";
import { placeholderMask, tokenLogprobs } from "./logprobs.ts";
import { type MemoryEstimate, MemoryForecast, type Workload } from "./memory.ts";
import { MovementCheck } from "./movement.ts";
import { AdamW } from "./optimizer.ts";
import { bundleTokens, byBudget } from "./packing.ts";
import { type Features, Passes, readAll, unflatten } from "./passes.ts";
import { type LoraOptions, Policy } from "./policy.ts";
import { sample } from "./sampler.ts";
import { loadState, saveState } from "./state.ts";
import { VisionPhase } from "./vision-phase.ts";

export interface LocalOptions {
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
  /** Make room for updates now, rather than at the first of them: what does not fit is found before the work begins. */
  readonly training?: boolean;
  /** Used instead of the folder's own. */
  readonly processor?: Processor;
  /** Pixel policy over the processor's files. */
  readonly image?: ImageOptions;
}

const DEFAULT_MICRO_BATCH_TOKENS = 4096;
const DEFAULT_LOGIT_CHUNK = 2 ** 25;

export class LocalEngine implements Engine {
  readonly model: Model;
  readonly processor: Processor;
  readonly device: string;
  readonly precision: ComputeType;
  /** Bytes that this engine may take of its device, as it found them. */
  readonly #available: number;
  readonly #policy: Policy;
  readonly #passes: Passes;
  readonly #mask_V: Tensor;
  readonly #movement: MovementCheck;
  readonly #microBatchTokens: number;
  readonly #features: Readonly<Record<"policy" | "reference" | "training", FeatureCache>>;
  readonly #visionPhase: VisionPhase;
  readonly #logitChunk: number;
  readonly #checkpointing: boolean;
  readonly #seed: number;
  #optimizer: AdamW | undefined;
  /** Micro-batches since the last update. */
  #microBatches = 0;

  /**
   * Opens a checkpoint folder in Hugging Face layout, or a PEFT adapter's and the base it names.
   * @throws UserError when it is none that this engine can run, or its files contradict each other
   */
  constructor(dir: string, options: LocalOptions = {}) {
    this.device = resolveDevice(options.device ?? "auto");
    this.precision = computeType(options.precision ?? "auto", this.device);
    this.#available = deviceMemory(this.device);
    this.#policy = new Policy(dir, {
      device: this.device,
      precision: this.precision,
      freeze: options.freeze ?? [],
      reference: options.reference ?? false,
      lora: options.lora,
    });
    this.model = this.#policy.model;
    try {
      this.processor = options.processor ?? Processor.load(this.#policy.dir, options.image);
      checkAgreement(this.#policy.dir, this.model, this.processor);
    } catch (error) {
      this.#policy.dispose();
      throw error;
    }
    this.#mask_V = keep(
      tidy(() => placeholderMask(this.model.shape.vocabulary, this.processor.placeholderIds, this.device)),
    );
    this.#logitChunk = options.logitChunk ?? DEFAULT_LOGIT_CHUNK;
    this.#passes = new Passes(this.model, this.#mask_V, this.#logitChunk);
    this.#movement = new MovementCheck(this.#policy);
    this.#microBatchTokens = options.microBatchTokens ?? DEFAULT_MICRO_BATCH_TOKENS;
    this.#checkpointing = options.activationCheckpointing ?? false;
    const trains = this.#policy.trains.bind(this.#policy);
    this.#visionPhase = new VisionPhase(this.model, trains, this.#checkpointing);
    const features = new FeatureCache();
    const moves = trains("vision", "connector");
    this.#features = {
      policy: features,
      reference: moves ? new FeatureCache() : features,
      training: moves && this.#policy.adapter?.dropout ? new FeatureCache() : features,
    };
    this.#seed = options.seed ?? 0;
    if (options.training) this.#moments();
  }

  /** Parameters in all and trainable ones, by part. */
  parameterTable(): Map<Part, { total: number; trainable: number }> {
    return this.#policy.table();
  }

  /** The trained parts that no update of this engine has moved so far. */
  get still(): readonly Part[] {
    return this.#movement.still;
  }

  /** Bytes that a training step of this engine will take at its peak, by what they are for. */
  memory(workload: Workload): MemoryEstimate {
    return this.forecast.worst(workload, this.#available);
  }

  /** @throws UserError when a prompt, which `name` names, with so many new tokens is longer than the model's context */
  checkLength(prompt: Prompt, newTokens: number, name = "A prompt"): void {
    const [length, most] = [prompt.ids.length + newTokens, this.processor.contextLength];
    if (length <= most) return;
    throw new UserError(
      `${name} of ${prompt.ids.length} tokens and ${newTokens} new ones make ${length}, more than the model's ${most}.`,
      `Lower max_tokens or shorten the prompt: a smaller ${this.processor.images.limit} makes fewer image tokens.`,
    );
  }

  async sample(prompts: readonly Prompt[], options: SampleOptions): Promise<Completion[][]> {
    for (const prompt of prompts) this.checkLength(prompt, options.maxTokens);
    // The compute copy outlives the steps, so it is made outside every scope.
    const masters = this.#policy.weights;
    const weights = noGrad(() => masters.compute(this.precision, () => true));
    try {
      return await sample(
        {
          model: this.model,
          weights,
          mask_V: this.#mask_V,
          tokenizer: this.processor.tokenizer,
          endIds: this.processor.endIds,
          features: (images) => (images.length > 0 ? this.#see("policy", () => weights)(images) : undefined),
          cacheBytes: this.forecast.cacheBytes(this.#available),
        },
        prompts,
        options,
      );
    } finally {
      if (weights !== masters) for (const [, tensor] of weights.entries()) tensor.dispose();
      this.#trim();
    }
  }

  score(who: "policy" | "reference", groups: readonly ScoreGroup[]): number[][][] {
    const masters = who === "policy" ? this.#policy.weights : this.#policy.reference;
    if (!masters) throw new Error("This engine was opened without a reference.");
    this.#checkLengths(groups.map(({ prompt, completions }) => [prompt, completions]));
    const bundles = groups.map(({ prompt, completions }) => ({
      prompt,
      branches: completions.map((ids) => ({ context: [], ids })),
    }));
    const scored = byBudget(bundles, bundleTokens, this.#microBatchTokens).flatMap((micro) =>
      noGrad(() =>
        tidy(() => {
          const weights = this.#computing(masters);
          const { input, attention, spans } = this.#passes.lay(
            weights,
            micro,
            this.#see(who, () => weights),
          );
          const hidden_TD = forward(this.model, weights, input, attention);
          const values = Array.from(this.#passes.chunks(spans), ({ rows, ids }) =>
            tidy(() => tokenLogprobs(this.#passes.logits(weights, hidden_TD, rows), ids)),
          );
          return unflatten(readAll(values), spans);
        }),
      ),
    );
    this.#trim();
    return scored;
  }

  /** Runs a prompt and what follows it through the policy once, `around` the attention: no gradients; used by the attention probe. */
  observe(prompt: Prompt, ids: readonly number[], around: (attention: Attention) => Attention): void {
    noGrad(() =>
      tidy(() => {
        const weights = this.#computing(this.#policy.weights);
        const bundle = { prompt, branches: [{ context: [], ids }] };
        const { input, attention } = this.#passes.lay(
          weights,
          [bundle],
          this.#see("policy", () => weights),
        );
        forward(this.model, weights, input, around(attention)).dispose();
      }),
    );
    this.#trim();
  }

  forwardBackward(groups: readonly TrainGroup[], loss: Loss): BackwardResult {
    this.#checkLengths(
      groups.map(({ prompt, items }) => [prompt, items.map(({ context = [], ids }) => [...context, ...ids])]),
    );
    for (const [, tensor] of this.#policy.trainable) tensor.requiresGrad();
    const context = {
      passes: this.#passes,
      weights: () => this.#trainingWeights(this.#microBatches++),
      features: this.#see("training", (image) => this.#trainingWeights(imageKey(image))),
      microBatchTokens: this.#microBatchTokens,
      checkpointing: this.#checkpointing,
      trained: {
        language: this.#policy.trains("language"),
        embeddings: this.#policy.trains("embeddings"),
        vision: this.#policy.trains("vision", "connector"),
      },
      arrived: this.#visionPhase.add.bind(this.#visionPhase),
    };
    const result = backward(context, groups, loss);
    this.#trim();
    return result;
  }

  step(options: StepOptions): StepMetrics {
    this.#visionPhase.backward((image) => this.#trainingWeights(imageKey(image)));
    const metrics = this.#movement.over(() => this.#moments().step(options));
    this.#microBatches = 0;
    this.#forgetFeatures();
    return metrics;
  }

  save(dir: string): void {
    saveState(dir, this.#policy.trainable, this.#moments());
  }

  load(dir: string): void {
    loadState(dir, this.#policy.trainable, this.#moments());
    this.#forgetFeatures();
  }

  export(dir: string, { merge = false }: { merge?: boolean } = {}): void {
    if (merge && !this.#policy.adapter)
      throw new UserError(`${this.#policy.dir} has no adapter to merge.`, "Export it without --merge.");
    this.#policy.export(dir, merge);
  }

  dispose(): void {
    this.#optimizer?.dispose();
    this.#visionPhase.clear();
    for (const features of Object.values(this.#features)) features.clear();
    this.#mask_V.dispose();
    this.#policy.dispose();
  }

  /** Features of images as seen with `weights`, by whom: each computed once until the weights move. */
  #see(who: "policy" | "reference" | "training", weights: (image: ImageInput) => Weights): Features {
    return (images) => this.#features[who].get(images, (image) => encodeImages(this.model, weights(image), [image]));
  }

  /** What this engine takes of the memory. */
  get forecast(): MemoryForecast {
    const { precision, device, model } = this;
    return new MemoryForecast(model, this.#policy.heldParameters(), {
      precision,
      device,
      reference: this.#policy.reference !== undefined && !this.#policy.adapter,
      microBatchTokens: this.#microBatchTokens,
      checkpointing: this.#checkpointing,
      logitChunk: this.#logitChunk,
      dropout: (this.#policy.adapter?.dropout ?? 0) > 0,
      flash: hasFlashAttention(device, precision, model.shape.headWidth),
    });
  }

  /** Ends a call: features that the next one will hardly ask for are forgotten. */
  #trim(): void {
    for (const features of new Set(Object.values(this.#features))) features.trim();
  }

  /** The policy has moved, and with it, unless it is frozen, the tower. The reference's features stay. */
  #forgetFeatures(): void {
    if (!this.#policy.trains("vision", "connector")) return;
    this.#visionPhase.clear();
    this.#features.policy.clear();
    this.#features.training.clear();
  }

  /** Weights for one pass. The embeddings are the head's too, which every chunk of logits asks for: they are cast once. */
  #computing(masters: Weights): Weights {
    return masters.compute(this.precision, (name) => this.model.partOf(name) === "embeddings");
  }

  /**
   * The policy as it is trained. Its dropout is a function of the seed, the updates so far, the module, and the micro-batch or the
   * image that goes through it.
   */
  #trainingWeights(of: number | string): Weights {
    const share = this.#policy.adapter?.dropout ?? 0;
    const weights =
      typeof of === "number" ? this.#computing(this.#policy.weights) : this.#policy.weights.compute(this.precision);
    if (!weights.adaptation || share === 0) return weights;
    const { steps } = this.#moments();
    const seedOf = (module: string) => stream(this.#seed, "dropout", steps, of, module).uint32();
    return weights.adapted({ ...weights.adaptation, dropout: { share, seedOf } });
  }

  /** The optimizer's state, made when it is first needed, unless the engine was opened for training. */
  #moments(): AdamW {
    this.#optimizer ??= new AdamW(this.#policy.trainable);
    return this.#optimizer;
  }

  #checkLengths(groups: readonly (readonly [Prompt, readonly (readonly number[])[]])[]): void {
    for (const [prompt, sequences] of groups)
      this.checkLength(prompt, Math.max(0, ...sequences.map(({ length }) => length)));
  }
}
