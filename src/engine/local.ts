/**
 * @file The engine's verbs in the thread that calls them. The policy that samples and the policy that trains are the same
 * weights in the same kernels. Programs go through `RemoteEngine`, whose worker thread holds this.
 */

import type { ProcessGroup } from "../distributed/process-group.ts";
import { encodeImages, forward } from "../models/forward.ts";
import type { Model, Part } from "../models/model.ts";
import { openSamplingWeights, type SamplingWeights } from "../models/sampling-weights.ts";
import type { Weights } from "../models/weights.ts";
import type { BatchSize, Loss } from "../objective/loss.ts";
import { Processor } from "../prompt/prompt.ts";
import type { Completion, ImageInput, Prompt } from "../records.ts";
import { native } from "../torch/native.ts";
import { hasFlashAttention } from "../torch/ops.ts";
import { type ComputeType, computeType } from "../torch/precision.ts";
import { keep, noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { byBudget } from "../util/arrays.ts";
import { UserError } from "../util/errors.ts";
import type { Cancellable, Cancellation } from "../util/interruptible.ts";
import { stream } from "../util/random.ts";
import { checkAgreement } from "./agreement.ts";
import { backward, leastTokens } from "./backward.ts";
import { checkLength } from "./check-prompts.ts";
import { computingNote, machineRecord } from "./computing.ts";
import { deviceMemory, resolveDevice, saysWhenShort } from "./device.ts";
import type {
  BackwardResult,
  EngineDescription,
  EngineOptions,
  Sampling,
  SamplingListener,
  ScoreGroup,
  StepMetrics,
  StepOptions,
  TrainGroup,
} from "./engine.ts";
import { FeatureCache, imageKey, patchesTogether } from "./features.ts";
import { LiveBatch, type LiveRequest, type OpenSampler } from "./live-batch.ts";
import { defaultLogitChunk, placeholderMask, tokenLogprobs } from "./logprobs.ts";
import { FailedElsewhere, type GradientPass } from "./masters.ts";
import { type MemoryEstimate, MemoryForecast, type Offload, type Workload } from "./memory.ts";
import { MovementCheck } from "./movement.ts";
import { ObservedAttention } from "./observed-attention.ts";
import { AdamW } from "./optimizer.ts";
import { isOutOfMemory } from "./out-of-memory.ts";
import { bundleTokens } from "./packing.ts";
import { type Features, Passes, readAll, unflatten } from "./passes.ts";
import { Policy } from "./policy.ts";
import { type SamplerContext, sample } from "./sampler.ts";
import { loadState, saveState } from "./state.ts";
import { VisionPhase } from "./vision-phase.ts";

const DEFAULT_MICRO_BATCH_TOKENS = 4096;
/** What may be not finite in a loss. */
const LOSS_QUANTITIES = ["loss", "KL"] as const;

export class LocalEngine {
  readonly model: Model;
  readonly processor: Processor;
  readonly device: string;
  readonly precision: ComputeType;
  /** Bytes that this engine may take of its device, as it found them. */
  readonly #available: number;
  readonly #group: ProcessGroup | undefined;
  readonly #policy: Policy;
  readonly #passes: Passes;
  readonly #mask_V: Tensor;
  readonly #movement: MovementCheck;
  readonly #microBatchTokens: number;
  readonly #features: Readonly<Record<"policy" | "reference" | "training", FeatureCache>>;
  readonly #visionPhase: VisionPhase;
  /** Whether a trained tower sees several images at once. */
  readonly #imagesTogether: boolean;
  readonly #logitChunk: number;
  readonly #checkpointing: boolean;
  readonly #offload: Offload;
  readonly #seed: number;
  readonly #live = new LiveBatch(() => this.#openForStreams());
  /** What streams are written with, kept from one batch to the next until the policy is trained or read anew. */
  #streaming: SamplingWeights | undefined;
  #optimizer: AdamW | undefined;
  /** Parts that a micro-batch is cut into, since memory ran short once. */
  #parts = 1;
  /** Micro-batches since the last update. */
  #microBatches = 0;
  /** What was not finite in the losses since then. */
  readonly #unfit = new Set<(typeof LOSS_QUANTITIES)[number]>();

  /**
   * Opens a checkpoint folder in Hugging Face layout, or a PEFT adapter's and the base it names. It trains together with those that the
   * other processes of `group` open.
   * @throws UserError when it is none that this engine can run, or its files contradict each other
   */
  constructor(dir: string, options: EngineOptions = {}, group?: ProcessGroup) {
    this.#group = group;
    this.device = resolveDevice(options.device ?? "auto", group?.world.localRank);
    this.precision = computeType(options.precision ?? "auto", this.device);
    this.#available = deviceMemory(this.device);
    this.#offload = options.offload ?? { reference: false, optimizer: false };
    this.#policy = new Policy(dir, {
      device: this.device,
      precision: this.precision,
      freeze: options.freeze ?? [],
      reference: options.reference ?? false,
      lora: options.lora,
      offload: this.#offload,
      group,
    });
    this.model = this.#policy.model;
    try {
      this.processor = Processor.load(this.#policy.dir, { ...options.image, unending: options.unending ?? false });
      checkAgreement(this.#policy.dir, this.model, this.processor);
    } catch (error) {
      this.#policy.dispose();
      throw error;
    }
    this.#mask_V = keep(
      tidy(() => placeholderMask(this.model.shape.vocabulary, this.processor.placeholderIds, this.device)),
    );
    this.#logitChunk = options.logitChunk ?? defaultLogitChunk(this.device);
    this.#passes = new Passes(this.model, this.#mask_V, this.#logitChunk);
    const own = this.#policy.masters.own.map(({ name, tensor }) => [name, tensor] as const);
    this.#movement = new MovementCheck(this.#policy, own, group);
    this.#microBatchTokens = options.microBatchTokens ?? DEFAULT_MICRO_BATCH_TOKENS;
    this.#checkpointing = options.activationCheckpointing ?? false;
    const trains = this.#policy.trains.bind(this.#policy);
    const dropout = (this.#policy.adapter?.dropout ?? 0) > 0;
    const together = patchesTogether(this.device, this.#checkpointing, dropout);
    this.#imagesTogether = together > 1;
    this.#visionPhase = new VisionPhase(this.model, trains, this.#checkpointing, together);
    const moves = trains("vision", "connector");
    const { mergeSize } = this.model.imageLayout;
    const features = new FeatureCache(mergeSize, moves ? together : 1);
    this.#features = {
      policy: features,
      reference: moves ? new FeatureCache(mergeSize, together) : features,
      training: moves && dropout ? new FeatureCache(mergeSize) : features,
    };
    this.#seed = options.seed ?? 0;
    if (options.training) this.#moments();
  }

  /** The checkpoint folder; the base's, where an adapter was opened. */
  get dir(): string {
    return this.#policy.dir;
  }

  describe(): EngineDescription {
    const { dir, device, precision, still } = this;
    return {
      dir,
      device,
      precision,
      vocabulary: this.model.shape.vocabulary,
      parameters: this.#policy.table(),
      machine: machineRecord(device),
      libtorch: native.version(),
      computing: computingNote({ device, precision }),
      still,
    };
  }

  /** The trained parts that no update of this engine has moved so far. */
  get still(): readonly Part[] {
    return this.#movement.still;
  }

  /** Bytes that a training step of this engine will take at its peak, by what they are for. */
  memory(workload: Workload): MemoryEstimate {
    return this.forecast.worst(workload, this.#available);
  }

  /**
   * Runs the fullest micro-batches of a step once and forgets their gradient, so that memory which does not suffice shows before the
   * first step, and what has to be cut is cut from then on. `prompt` is the longest one of the workload. It does
   * nothing on a device that does not say when its memory is short.
   * @throws what libtorch throws when there is not enough memory for one completion
   */
  rehearse(prompt: Prompt, workload: Workload, loss: Loss): void {
    if (!saysWhenShort(this.device)) return;
    const [id] = this.processor.endIds;
    const groups = this.forecast.fullestMicroBatches(workload, this.#available).map(({ branches }) => ({
      prompt,
      items: branches.map((length) => {
        const zeros = new Array<number>(length).fill(0);
        return { ids: zeros.map(() => id!), advantage: 1, oldLogprobs: zeros, referenceLogprobs: zeros };
      }),
    }));
    try {
      this.forwardBackward(groups, loss);
      this.#visionBackward();
    } finally {
      this.dropGradient();
      this.#forgetFeatures();
    }
  }

  sample(prompts: readonly Prompt[], options: Sampling & SamplingListener & Cancellable<Cancellation>): Completion[][] {
    for (const prompt of prompts) checkLength(this.processor, prompt, options.maxTokens);
    const { weights, close } = this.#samplingWeights();
    try {
      return sample(this.#samplerContext(weights), prompts, options);
    } finally {
      close();
      this.#trim();
    }
  }

  /** A completion that is written by `turn`, with all others that are. @throws UserError for a prompt without room for it */
  stream(request: LiveRequest): void {
    checkLength(this.processor, request.prompt, request.options.maxTokens);
    this.#live.add(request);
  }

  /** One token for each completion that is streamed; false when there is none left. */
  turn(): boolean {
    return this.#live.turn();
  }

  score(
    who: "policy" | "reference",
    groups: readonly ScoreGroup[],
    { signal }: Cancellable<Cancellation> = {},
  ): number[][][] {
    const masters = who === "policy" ? this.#policy.weights : this.#policy.reference;
    if (!masters) throw new Error("This engine was opened without a reference.");
    this.#checkLengths(groups.map(({ prompt, completions }) => [prompt, completions]));
    const bundles = groups.map(({ prompt, completions }) => ({
      prompt,
      branches: completions.map((ids) => ({ context: [], ids })),
    }));
    const scored = byBudget(bundles, bundleTokens, Math.ceil(this.#microBatchTokens / this.#parts)).flatMap((micro) => {
      signal?.throwIfAborted();
      return noGrad(() =>
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
      );
    });
    this.#trim();
    return scored;
  }

  /** Attention to lists of `places` from where the policy chooses each of `ids`: [list][layer][token], mean over heads. */
  attentionTo(places: readonly (readonly number[])[], prompt: Prompt, ids: readonly number[]): number[][][] {
    const choosing = ids.map((_, i) => prompt.ids.length - 1 + i);
    const shares = places.map((): number[][] => []);
    noGrad(() =>
      tidy(() => {
        const weights = this.#computing(this.#policy.weights);
        const bundle = { prompt, branches: [{ context: [], ids }] };
        const { input, attention } = this.#passes.lay(
          weights,
          [bundle],
          this.#see("policy", () => weights),
        );
        forward(this.model, weights, input, new ObservedAttention(attention, choosing, places, shares)).dispose();
      }),
    );
    this.#trim();
    return shares;
  }

  forwardBackward(
    groups: readonly TrainGroup[],
    loss: Loss,
    { signal, whole }: Cancellable<Cancellation> & { readonly whole?: BatchSize | undefined } = {},
  ): BackwardResult {
    this.#checkLengths(
      groups.map(({ prompt, items }) => [prompt, items.map(({ context = [], ids }) => [...context, ...ids])]),
    );
    this.#endStreaming();
    for (const leaf of this.#policy.leaves()) leaf.requiresGrad();
    const context = {
      passes: this.#passes,
      weights: () => this.#trainingWeights(this.#microBatches++),
      features: this.#see("training", (images) => this.#trainingWeights(imageKey(images[0]!))),
      microBatchTokens: this.#microBatchTokens,
      checkpointing: this.#checkpointing,
      signal,
      trained: {
        language: this.#policy.trains("language"),
        embeddings: this.#policy.trains("embeddings"),
        vision: this.#policy.trains("vision", "connector"),
      },
      accumulate: (passes: readonly GradientPass[]) => this.#accumulate(["language", "embeddings"], passes),
      arrived: this.#visionPhase.add.bind(this.#visionPhase),
    };
    // What earlier calls have added could not be made again.
    const isAlone = this.#microBatches === 0;
    try {
      for (;;) {
        try {
          const result = backward(context, groups, loss, { whole, parts: this.#parts });
          if (!Number.isFinite(result.metrics.loss)) this.#unfit.add("loss");
          if (!Number.isFinite(result.metrics.kl)) this.#unfit.add("KL");
          return result;
        } catch (error) {
          this.dropGradient();
          const isWhole = this.#microBatchTokens / this.#parts <= leastTokens(groups);
          const isShort = error instanceof FailedElsewhere || (isOutOfMemory(error) && !isWhole);
          if (this.#anywhere([!isShort || !isAlone])[0]) throw error;
          this.#parts *= 2;
        }
      }
    } finally {
      this.#trim();
    }
  }

  /** Forgets all that `forwardBackward` has added since the last update. */
  dropGradient(): void {
    this.#policy.masters.clearGradients();
    this.#visionPhase.clear();
    this.#endUpdate();
  }

  step(options: StepOptions): StepMetrics {
    this.#endStreaming();
    this.#visionBackward();
    const unfitAnywhere = this.#anywhere(LOSS_QUANTITIES.map((quantity) => this.#unfit.has(quantity)));
    const metrics = this.#movement.over(() =>
      this.#moments().step(
        options,
        LOSS_QUANTITIES.filter((_, i) => unfitAnywhere[i]),
      ),
    );
    this.#endUpdate();
    this.#forgetFeatures();
    return metrics;
  }

  save(dir: string, { signal }: Cancellable<Cancellation> = {}): void {
    const { trainable, masters } = this.#policy;
    saveState(dir, trainable, masters, this.#moments(), signal);
  }

  load(dir: string): void {
    const { trainable, masters } = this.#policy;
    loadState(dir, trainable, masters, this.#moments());
    this.#endStreaming();
    this.#forgetFeatures();
  }

  export(dir: string, { merge = false, signal }: Cancellable<Cancellation> & { readonly merge?: boolean } = {}): void {
    if (merge && !this.#policy.adapter)
      throw new UserError(`${this.#policy.dir} has no adapter to merge.`, "Export it without --merge.");
    this.#policy.export(dir, merge, signal);
  }

  dispose(): void {
    this.#live.fail(new Error("The engine was disposed of while it was streaming."));
    this.#endStreaming();
    this.#optimizer?.dispose();
    this.#visionPhase.clear();
    for (const features of Object.values(this.#features)) features.clear();
    this.#mask_V.dispose();
    this.#policy.dispose();
  }

  #samplingWeights(): SamplingWeights {
    const { weights, isTrained } = this.#policy;
    return openSamplingWeights(this.model, weights, this.precision, isTrained);
  }

  #samplerContext(weights: Weights): SamplerContext {
    return {
      model: this.model,
      weights,
      mask_V: this.#mask_V,
      tokenizer: this.processor.tokenizer,
      endIds: this.processor.endIds,
      features: (images) => (images.length > 0 ? this.#see("policy", () => weights)(images) : undefined),
      cacheBytes: this.forecast.cacheBytes(this.#available),
    };
  }

  #openForStreams(): OpenSampler {
    this.#streaming ??= this.#samplingWeights();
    const opened = this.#streaming;
    return {
      context: this.#samplerContext(opened.weights),
      trim: () => this.#trim(),
      close: () => {
        if (opened !== this.#streaming) opened.close();
        this.#trim();
      },
    };
  }

  /** Streams that come now are written with the policy as it will be. Those under way keep the copies that they have of its weights. */
  #endStreaming(): void {
    const opened = this.#streaming;
    this.#streaming = undefined;
    if (this.#live.isEmpty) opened?.close();
  }

  /** Which of these flags are set in any process. */
  #anywhere(flags: readonly boolean[]): readonly boolean[] {
    return this.#group?.anywhere(flags) ?? flags;
  }

  /** Carries out passes whose gradients are those of these parts. */
  #accumulate(parts: readonly Part[], passes: readonly GradientPass[]): void {
    const names = this.#policy.trainable.map(([name]) => name);
    this.#policy.masters.accumulate(
      names.filter((name) => parts.includes(this.model.partOf(name))),
      passes,
    );
  }

  /** The tower's gradient from what has arrived at the features. It is whole where all images have passed, and then goes to its owners. */
  #visionBackward(): void {
    const pass = () => this.#visionPhase.backward((images) => this.#trainingWeights(imageKey(images[0]!)));
    this.#accumulate(["vision", "connector"], this.#visionPhase.isEmpty ? [] : [pass]);
  }

  /** What comes now is for the next update. */
  #endUpdate(): void {
    this.#microBatches = 0;
    this.#unfit.clear();
  }

  /** Features of images as seen with `weights`, by whom: each computed once until the weights move. */
  #see(who: "policy" | "reference" | "training", weights: (images: readonly ImageInput[]) => Weights): Features {
    return (images) => this.#features[who].get(images, (unseen) => encodeImages(this.model, weights(unseen), unseen));
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
      offload: this.#offload,
      processes: this.#group?.world.size ?? 1,
      dropout: (this.#policy.adapter?.dropout ?? 0) > 0,
      flash: hasFlashAttention(device, precision, model.shape.headWidth),
    });
  }

  /** Ends a call: features that the next one will hardly ask for are forgotten. */
  #trim(): void {
    for (const features of new Set(Object.values(this.#features))) features.trim();
  }

  /**
   * The policy has moved, and with it, unless it is frozen, the tower. The reference's features stay where each image was encoded alone,
   * and does not depend on which others a run has met since it was started.
   */
  #forgetFeatures(): void {
    if (!this.#policy.trains("vision", "connector")) return;
    this.#visionPhase.clear();
    for (const [who, features] of Object.entries(this.#features))
      if (who !== "reference" || this.#imagesTogether) features.clear();
  }

  /** Weights for one pass. The embeddings are the head's too, which every chunk of logits asks for: they are cast once. */
  #computing(masters: Weights): Weights {
    return masters.compute(this.precision, (name) => this.model.partOf(name) === "embeddings");
  }

  /**
   * The policy as it is trained. Its dropout is a function of the seed, the updates so far, the module, and the micro-batch or the
   * image that goes through it; of several processes each drops otherwise.
   */
  #trainingWeights(of: number | string): Weights {
    const share = this.#policy.adapter?.dropout ?? 0;
    const weights =
      typeof of === "number" ? this.#computing(this.#policy.weights) : this.#policy.weights.compute(this.precision);
    if (!weights.adaptation || share === 0) return weights;
    const { steps } = this.#moments();
    const who = this.#group ? [this.#group.world.rank] : [];
    const seedOf = (module: string) => stream(this.#seed, "dropout", ...who, steps, of, module).uint32();
    return weights.adapted({ ...weights.adaptation, dropout: { share, seedOf } });
  }

  /** The optimizer's state, made when it is first needed, unless the engine was opened for training. */
  #moments(): AdamW {
    this.#optimizer ??= new AdamW(this.#policy.masters);
    return this.#optimizer;
  }

  #checkLengths(groups: readonly (readonly [Prompt, readonly (readonly number[])[]])[]): void {
    for (const [prompt, sequences] of groups)
      checkLength(this.processor, prompt, Math.max(0, ...sequences.map(({ length }) => length)));
  }
}
