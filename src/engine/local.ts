/**
 * @file The local engine: libtorch in this process. The policy that samples and the policy that trains are the same
 * weights in the same kernels.
 */
import { cpSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { SafetensorsFile, writeSafetensors } from "../checkpoint/safetensors.ts";
import { type Layout, readWeights, writeWeights } from "../checkpoint/weights_io.ts";
import { UserError } from "../errors.ts";
import { type Loss, type LossMetrics, tokenLosses, tokenWeights, weighted } from "../loss.ts";
import { PackAttention } from "../models/attention.ts";
import { forward, forwardPass } from "../models/forward.ts";
import type { Attention, Model, Part, TokenInput } from "../models/model.ts";
import { readModel } from "../models/registry.ts";
import { Weights } from "../models/weights.ts";
import type { ImageOptions } from "../prompt/image_processor.ts";
import { Processor } from "../prompt/prompt.ts";
import type { Completion, ImageInput, Prompt } from "../records.ts";
import { native } from "../torch/native.ts";
import { clone, copy_, detach, floats, fromBytes, indexSelect, ints, narrow, sum, toDevice } from "../torch/ops.ts";
import { type DType, keep, noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import type {
  BackwardResult,
  Engine,
  SampleOptions,
  ScoreGroup,
  StepMetrics,
  StepOptions,
  TrainGroup,
} from "./engine.ts";
import { FeatureCache } from "./features.ts";
import { entropies, maskedLogits, placeholderMask, tokenLogprobs } from "./logprobs.ts";
import { AdamW } from "./optimizer.ts";
import { type Bundle, bundleTokens, byBudget, pack, type Span } from "./packing.ts";
import { sample } from "./sampler.ts";

export interface LocalOptions {
  /** `auto`: the first GPU, else the CPU. */
  readonly device?: string;
  /** Type of the computation; parameters and moments are float32 always. */
  readonly precision?: "float32" | "bfloat16";
  readonly freeze?: readonly Part[];
  /** Keep a frozen copy of the initial weights for `score("reference", …)`. */
  readonly reference?: boolean;
  /** Tokens a pass takes at most when it trains or scores. */
  readonly microBatchTokens?: number;
  /** Run each layer again for its gradient instead of keeping its activations. */
  readonly activationCheckpointing?: boolean;
  /** Used instead of the folder's own. */
  readonly processor?: Processor;
  readonly image?: ImageOptions;
}

const DEFAULT_MICRO_BATCH_TOKENS = 4096;
const CACHE_BYTES = 512 * 2 ** 20;
const REMEMBERED_IMAGES = 512;
/** Files that hold weights or a training state; an export writes its own, and carries over everything else. */
const WEIGHTS = /\.(safetensors|bin|pt|pth|ckpt|gguf|onnx|h5|msgpack)(\.index\.json)?$/;
/** Elements of one chunk of float32 logits: a whole [tokens, vocabulary] table is never kept. */
const LOGIT_CHUNK = 2 ** 25;

export class LocalEngine implements Engine {
  readonly model: Model;
  readonly processor: Processor;
  readonly device: string;
  readonly precision: DType;
  readonly #dir: string;
  readonly #parameters: Map<string, Tensor>;
  readonly #layout: Layout;
  readonly #policy: Weights;
  readonly #reference: Weights | undefined;
  readonly #trainable: readonly (readonly [string, Tensor])[];
  readonly #visionFrozen: boolean;
  readonly #features = new FeatureCache(REMEMBERED_IMAGES);
  readonly #mask_V: Tensor;
  readonly #endIds: readonly number[];
  readonly #microBatchTokens: number;
  readonly #checkpointing: boolean;
  #optimizer: AdamW | undefined;

  /** Opens a Hugging Face folder. @throws UserError when it is not a checkpoint this engine can run. */
  constructor(dir: string, options: LocalOptions = {}) {
    this.#dir = dir;
    this.device = resolveDevice(options.device ?? "auto");
    this.precision = options.precision ?? "float32";
    this.model = readModel(dir);
    this.processor = options.processor ?? Processor.load(dir, options.image);
    const { parameters, layout } = readWeights(dir, this.model, this.device);
    this.#parameters = parameters;
    this.#layout = layout;
    this.#policy = new Weights(parameters);
    const frozen = new Set(options.freeze ?? []);
    this.#trainable = [...parameters].filter(([name]) => !frozen.has(this.model.partOf(name)));
    this.#visionFrozen = frozen.has("vision") && frozen.has("connector");
    const trained = new Set(this.#trainable.map(([name]) => name));
    this.#reference = options.reference
      ? new Weights(
          new Map([...parameters].map(([name, tensor]) => [name, trained.has(name) ? keep(clone(tensor)) : tensor])),
        )
      : undefined;
    this.#mask_V = keep(
      tidy(() => placeholderMask(this.model.shape.vocabulary, this.processor.placeholderIds, this.device)),
    );
    this.#endIds = this.processor.endIds;
    this.#microBatchTokens = options.microBatchTokens ?? DEFAULT_MICRO_BATCH_TOKENS;
    this.#checkpointing = options.activationCheckpointing ?? false;
  }

  /** Parameters in all and trainable ones, by part. */
  parameterTable(): Map<Part, { total: number; trainable: number }> {
    const trained = new Set(this.#trainable.map(([name]) => name));
    const table = new Map<Part, { total: number; trainable: number }>();
    for (const [name, tensor] of this.#parameters) {
      const part = this.model.partOf(name);
      const row = table.get(part) ?? { total: 0, trainable: 0 };
      const count = tensor.shape.reduce((a, b) => a * b, 1);
      table.set(part, { total: row.total + count, trainable: row.trainable + (trained.has(name) ? count : 0) });
    }
    return table;
  }

  async sample(prompts: readonly Prompt[], options: SampleOptions): Promise<Completion[][]> {
    // The compute copy outlives the steps, so it is made outside every scope.
    const weights = noGrad(() => this.#policy.compute(this.precision));
    try {
      return await sample(
        {
          model: this.model,
          weights,
          mask_V: this.#mask_V,
          tokenizer: this.processor.tokenizer,
          endIds: this.#endIds,
          features: (images) => this.#encode(weights, images),
          cacheBytes: CACHE_BYTES,
        },
        prompts,
        options,
      );
    } finally {
      if (weights !== this.#policy) for (const [, tensor] of weights.entries()) tensor.dispose();
      this.#endOfPass();
    }
  }

  score(who: "policy" | "reference", groups: readonly ScoreGroup[]): number[][][] {
    const masters = who === "policy" ? this.#policy : this.#reference;
    if (!masters) throw new Error("This engine was opened without a reference.");
    const bundles = groups.map(({ prompt, completions }) => ({
      prompt,
      branches: completions.map((ids) => ({ context: [], ids })),
    }));
    const scored = byBudget(bundles, bundleTokens, this.#microBatchTokens).flatMap((micro) =>
      noGrad(() =>
        tidy(() => {
          const weights = masters.compute(this.precision);
          const { input, attention, spans } = this.#lay(weights, micro);
          const hidden_TD = forward(this.model, weights, input, attention);
          const values = Array.from(this.#chunks(spans), ({ rows, ids }) =>
            tidy(() => tokenLogprobs(this.#logits(weights, hidden_TD, rows), ids).toFloats()),
          );
          return unflatten(values, spans);
        }),
      ),
    );
    this.#endOfPass();
    return scored;
  }

  forwardBackward(groups: readonly TrainGroup[], loss: Loss): BackwardResult {
    for (const [, tensor] of this.#trainable) tensor.requiresGrad();
    const lengths = groups.flatMap(({ items }) => items.map(({ ids }) => ids.length));
    const weights = tokenWeights(loss, lengths);
    let next = 0;
    const jobs = groups.map((group) => ({ group, weights: group.items.map(() => weights[next++]!) }));
    const totals = { loss: 0, tokens: 0, kl: 0, entropy: 0, clipFraction: 0, mismatchMean: 0, mismatchMax: 0 };
    const size = (job: Job) => bundleTokens(bundleOf(job.group));
    const logprobs = byBudget(jobs, size, this.#microBatchTokens).flatMap((micro) =>
      tidy(() => this.#microBatch(micro, loss, totals)),
    );
    this.#endOfPass();
    const { loss: value, tokens, mismatchMax, ...sums } = totals;
    const means = Object.fromEntries(Object.entries(sums).map(([key, total]) => [key, total / tokens]));
    return { metrics: { loss: value, tokens, mismatchMax, ...means } as LossMetrics, logprobs };
  }

  step(options: StepOptions): StepMetrics {
    this.#optimizer ??= new AdamW(this.#trainable);
    const metrics = this.#optimizer.step(options);
    if (!this.#visionFrozen) this.#features.clear();
    return metrics;
  }

  save(dir: string): void {
    mkdirSync(dir, { recursive: true });
    this.#optimizer ??= new AdamW(this.#trainable);
    const { steps, tensors } = this.#optimizer.state();
    const all = new Map([...this.#trainable, ...tensors]);
    const infos = [...all].map(([name, { shape }]) => ({ name, dtype: "float32" as const, shape }));
    writeSafetensors(join(dir, "state.safetensors"), infos, ({ name }) => all.get(name)!.toBytes(), {
      steps: String(steps),
    });
  }

  load(dir: string): void {
    this.#optimizer ??= new AdamW(this.#trainable);
    const { tensors } = this.#optimizer.state();
    const all = new Map([...this.#trainable, ...tensors]);
    const file = new SafetensorsFile(join(dir, "state.safetensors"));
    const missing = new Set(all.keys());
    noGrad(() => {
      for (const entry of file.entries) {
        const tensor = all.get(entry.name);
        if (tensor?.shape.join() !== entry.shape.join())
          throw new UserError(
            `${file.path} has the tensor ${entry.name} [${entry.shape}], which this run does not train.`,
            "Resume with the recipe the run was started with.",
          );
        tidy(() => copy_(tensor, fromBytes(file.read(entry), entry.shape, entry.dtype)).shape);
        missing.delete(entry.name);
      }
    });
    if (missing.size)
      throw new UserError(
        `${file.path} lacks ${[...missing].slice(0, 3).join(", ")}.`,
        "Resume with the recipe the run was started with.",
      );
    const steps = Number(file.metadata?.steps);
    if (!Number.isSafeInteger(steps))
      throw new UserError(
        `${file.path} does not say how many updates it has seen.`,
        "Resume from a checkpoint that was written here.",
      );
    this.#optimizer.setSteps(steps);
    this.#features.clear();
  }

  export(dir: string): void {
    mkdirSync(dir, { recursive: true });
    for (const name of readdirSync(this.#dir)) {
      const path = join(this.#dir, name);
      if (!WEIGHTS.test(name) && statSync(path).isFile()) cpSync(path, join(dir, name));
    }
    writeWeights(dir, this.model, this.#parameters, this.#layout);
  }

  dispose(): void {
    this.#optimizer?.dispose();
    this.#features.clear();
    this.#mask_V.dispose();
    for (const tensor of this.#parameters.values()) tensor.dispose();
    if (this.#reference) for (const [, tensor] of this.#reference.entries()) tensor.dispose();
  }

  /** Forward, loss over chunks of tokens, backward. Adds to the gradients and to `totals`. */
  #microBatch(jobs: readonly Job[], loss: Loss, totals: Totals): number[][][] {
    const weights = this.#policy.compute(this.precision);
    const bundles = jobs.map(({ group }) => bundleOf(group));
    const { input, attention, spans } = this.#lay(weights, bundles);
    const pass = forwardPass(this.model, weights, input, attention, {
      checkpointing: this.#checkpointing,
      inputsTrained: this.#trainable.some(([name]) => this.model.partOf(name) !== "language"),
    });
    const items = jobs.flatMap(({ group, weights }) =>
      group.items.map((item, i) => ({ ...item, weight: weights[i]! })),
    );
    const perToken = (value: (item: (typeof items)[number], t: number) => number) => {
      const values = items.flatMap((item) => item.ids.map((_, t) => value(item, t)));
      return toDevice(floats(values, [values.length]), this.device);
    };
    const weight_T = perToken((item) => item.weight);
    const advantage_T = perToken((item) => item.advantage);
    const known = (key: "oldLogprobs" | "referenceLogprobs") =>
      items.every((item) => item[key]) ? perToken((item, t) => item[key]![t]!) : undefined;
    const [old_T, reference_T] = [known("oldLogprobs"), known("referenceLogprobs")];
    // The graph is cut at the hidden states: each chunk of logits is differentiated and freed before the next is made.
    const hidden_TD = detach(pass.hidden_TD).requiresGrad();
    const chunks = Array.from(this.#chunks(spans), ({ start, rows, ids }) =>
      tidy(() => {
        const part = (column_T: Tensor) => narrow(column_T, 0, start, ids.length);
        const logits_TV = this.#logits(weights, hidden_TD, rows);
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
        if (loss.kind === "grpo") totals.entropy += noGrad(() => sum(entropies(detach(logits_TV))).item());
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

  /** Bundles laid out for one forward pass. */
  #lay(weights: Weights, bundles: readonly Bundle[]): { input: TokenInput; attention: Attention; spans: Span[][] } {
    const { pack: packed, spans } = pack(this.model, bundles);
    const features_MD = this.#encode(weights, packed.images);
    const input = { ...packed, ...(features_MD && { features_MD }) };
    return { input, attention: new PackAttention(packed.trees), spans };
  }

  /** Masked logits [rows, V] from some rows of the hidden states. */
  #logits(weights: Weights, hidden_TD: Tensor, rows: readonly number[]): Tensor {
    const picked = indexSelect(hidden_TD, 0, toDevice(ints(rows), this.device));
    return maskedLogits(this.model, weights, picked, this.#mask_V);
  }

  #encode(weights: Weights, images: readonly ImageInput[]): Tensor | undefined {
    if (images.length === 0) return undefined;
    if (!this.#visionFrozen) return this.model.encodeImages(weights, images);
    return noGrad(() => this.#features.get(images, (image) => this.model.encodeImages(weights, [image])));
  }

  /** Stretches of the spans' tokens, small enough for their logits to be held. */
  *#chunks(spans: readonly (readonly Span[])[]): Generator<{ start: number; rows: number[]; ids: number[] }> {
    const rows = spans.flat().flatMap((span) => span.rows);
    const ids = spans.flat().flatMap((span) => span.ids);
    const size = Math.max(1, Math.floor(LOGIT_CHUNK / this.model.shape.vocabulary));
    for (let start = 0; start < ids.length; start += size) {
      yield { start, rows: rows.slice(start, start + size), ids: ids.slice(start, start + size) };
    }
  }

  #endOfPass(): void {
    if (this.#visionFrozen) this.#features.trim();
  }
}

interface Job {
  readonly group: TrainGroup;
  readonly weights: readonly number[];
}
type Totals = { -readonly [K in keyof LossMetrics]: number };

function bundleOf({ prompt, items }: TrainGroup): Bundle {
  return { prompt, branches: items.map(({ context, ids }) => ({ context: context ?? [], ids })) };
}

/** Chunked token values back into the spans' shape. */
function unflatten(chunks: readonly Float32Array[], spans: readonly (readonly Span[])[]): number[][][] {
  const values = chunks.flatMap((chunk) => Array.from(chunk)).values();
  return spans.map((group) => group.map(({ ids }) => ids.map(() => values.next().value!)));
}

function resolveDevice(device: string): string {
  if (device === "auto") return native.cudaDevices() > 0 ? "cuda:0" : "cpu";
  if (device.startsWith("cuda") && native.cudaDevices() === 0) {
    throw new UserError(
      `device: ${device} was asked for, but this libtorch sees no CUDA device.`,
      "Use `device: auto`, or set up with a CUDA build of libtorch.",
    );
  }
  return device;
}
