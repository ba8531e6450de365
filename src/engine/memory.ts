/**
 * @file How much memory a training step takes, reckoned from shapes before anything is opened: what is held throughout, and the
 * fullest moment of sampling, of a micro-batch, and of the vision tower's own phase. Tests hold it to what allocators count.
 */
import { BUCKET } from "../distributed/shards.ts";
import { attentionType } from "../models/attention.ts";
import type { BlockCost, Values } from "../models/block-cost.ts";
import { blockOf } from "../models/kv-cache.ts";
import type { Model, Part } from "../models/model.ts";
import { isPacked, joinedSiblings } from "../models/sampling-weights.ts";
import { bytesPer, type DType } from "../torch/dtype.ts";
import { byBudget, groupBy } from "../util/arrays.ts";
import { patchesTogether } from "./features.ts";

/** A parameter as an engine holds it. */
export interface HeldParameter {
  readonly name: string;
  readonly part: Part;
  readonly shape: readonly number[];
  /** Of the master. */
  readonly dtype: DType;
  readonly trained: boolean;
}

/** What rests in the host's memory while it is not used. */
export interface Offload {
  /** The reference's weights, which come to the device layer by layer. */
  readonly reference: boolean;
  /** Masters and moments; the device has the trained weights in the type of the computation. */
  readonly optimizer: boolean;
}

export interface MemorySettings {
  readonly precision: DType;
  readonly device: string;
  /** Whether initial weights of what is trained are kept as a reference. */
  readonly reference: boolean;
  readonly microBatchTokens: number;
  readonly checkpointing: boolean;
  /** Elements of one chunk of logits. */
  readonly logitChunk: number;
  /** What rests in the host's memory. */
  readonly offload: Offload;
  /** Those that train together, each with its part of masters, gradients and moments. */
  readonly processes?: number;
  /** Whether attention over a pack needs no masks. */
  readonly flash: boolean;
  /** Whether training drops a share of an adapter's inputs. */
  readonly dropout: boolean;
}

/** What a step can come to. */
export interface Workload {
  readonly prompts: number;
  /** Completions a prompt. */
  readonly completions: number;
  /** Of the longest prompt, its image tokens among them. */
  readonly promptTokens: number;
  /** Patches of its images, as they enter the vision tower. */
  readonly patches: number;
  /** New tokens a completion, at most. */
  readonly maxTokens: number;
}

/** A prompt with what continues it. */
export interface TreeSize {
  readonly promptTokens: number;
  readonly patches: number;
  readonly branches: readonly number[];
}

/** Bytes, by what they are for. */
export interface MemoryEstimate {
  readonly weights: number;
  readonly reference: number;
  readonly moments: number;
  /** Between micro-batches; of several processes with what they are sent in. */
  readonly gradients: number;
  /** Features of images, kept from sampling to training, and what has arrived at them. */
  readonly features: number;
  /** Beside those, in the fullest micro-batch: inputs of layers, activations, casts, logits. */
  readonly training: number;
  /** Likewise while a trained tower runs backward. */
  readonly vision: number;
  /** Beside weights, reference, moments and features, while completions are sampled: cast weights, keys and values, logits. */
  readonly sampling: number;
  readonly peak: number;
  /** What the process may take of the device. */
  readonly available: number;
}

/** Prompt tokens that go through the model together: enough to keep it busy, and no more memory than that takes. */
export const PREFILL_TOKENS = 8192;

/** Share of the memory beyond what is held throughout that keys and values of one batch may take. */
const CACHE_SHARE = 1 / 2;

/** Lengths of completions that are tried for the worst: short ones put many prompts into a micro-batch, long ones few. */
const LENGTHS = [16, 32, 64, 100, 150, 225, 350, 500, 700, 1000, 2000, 4000];

/** Copies of a chunk of logits in float32 at once: the logits, what follows from them, and two gradients. */
const LOGIT_COPIES = 4;

/** Bytes a logit takes while a token is chosen, in float32: itself, masked, tempered, its probability, their sums, its logarithm. */
const CHOOSING = 24;

export class MemoryForecast {
  readonly #model: Model;
  readonly #parameters: readonly HeldParameter[];
  readonly #settings: MemorySettings;
  /** Bytes of a value in the computation's type and in attention's. */
  readonly #b: number;
  readonly #a: number;

  constructor(model: Model, parameters: readonly HeldParameter[], settings: MemorySettings) {
    this.#model = model;
    this.#parameters = parameters;
    this.#settings = settings;
    this.#b = bytesPer[settings.precision];
    this.#a = bytesPer[attentionType(settings.precision, settings.device)];
  }

  /** The step's worst, whatever the lengths of its completions, on a device that offers so many bytes. */
  worst(workload: Workload, available: number): MemoryEstimate {
    return this.#worst(workload, available, "peak").estimate;
  }

  /**
   * The prompts of the two fullest micro-batches, or of the one that a step has, at the lengths of completions at which they take
   * most. Only the second finds the gradients of all parameters there.
   */
  fullestMicroBatches(workload: Workload, available: number): TreeSize[] {
    const { length } = this.#worst(workload, available, "training");
    return byBudget(treesOf(workload, length), treeTokens, this.#settings.microBatchTokens).slice(0, 2).flat();
  }

  #worst(workload: Workload, available: number, by: "peak" | "training") {
    const { maxTokens } = workload;
    const lengths = [...LENGTHS.filter((length) => length < maxTokens), maxTokens];
    const tried = lengths.map((length) => ({ length, estimate: this.atLength(workload, length, available) }));
    return tried.reduce((worst, each) => (each.estimate[by] > worst.estimate[by] ? each : worst));
  }

  /** With completions of one length. While they are sampled any of them may become as long as is allowed. */
  atLength(workload: Workload, length: number, available: number): MemoryEstimate {
    return this.step(treesOf(workload, length), workload.maxTokens, available);
  }

  /** With completions of given lengths, sampled with room for `maxTokens`. */
  step(trees: readonly TreeSize[], maxTokens: number, available: number): MemoryEstimate {
    const [weights, reference, moments] = [this.#weights, this.#reference, this.#moments];
    const gradients = this.#sums() + this.#bucket;
    const trainsVision = this.#trains("vision", "connector");
    const seen = trees.reduce((sum, { patches }) => sum + this.#merged(patches), 0) * this.#model.shape.hidden;
    const features = seen * (trainsVision ? this.#b * (this.#settings.reference ? 2 : 1) : this.#b);
    // What has arrived at the features is summed up in float32.
    const arrived = trainsVision ? seen * 4 : 0;
    const beside = this.#sums("embeddings", "language") + this.#bucket;
    const micros = byBudget(trees, treeTokens, this.#settings.microBatchTokens);
    // Most are alike, and need not be reckoned again.
    const distinct = new Map(micros.slice(1).map((micro) => [JSON.stringify(micro), micro]));
    const training = Math.max(
      this.#microBatch(micros[0]!, true),
      ...[...distinct.values()].map((micro) => this.#microBatch(micro, false)),
    );
    // Of several processes each has the tower's gradient whole until all of its images have passed.
    const tower = this.#isDivided ? this.#gradients("vision", "connector") : 0;
    const vision = trainsVision ? this.#visionPhase(this.#together(trees)) + tower : 0;
    const sampling = this.#sampling(trees, maxTokens, this.cacheBytes(available));
    const peak =
      weights +
      reference +
      moments +
      features +
      Math.max(beside + arrived + training, gradients + arrived + vision, sampling);
    const held = { weights, reference, moments, gradients, features: features + arrived };
    return { ...held, training, vision, sampling, peak, available };
  }

  /** Bytes that keys and values of one batch may take. */
  cacheBytes(available: number): number {
    const held = this.#weights + this.#reference + this.#moments + this.#casts(this.#parameters);
    return Math.max(2 ** 26, CACHE_SHARE * (available - held));
  }

  /** Masters, frozen weights and adapter. */
  get #weights(): number {
    const held = total(this.#parameters, (each) => elements(each) * bytesPer[this.#typeOf(each)]);
    return this.#isDivided && !this.#settings.offload.optimizer ? held + this.#gradients() / this.#processes : held;
  }

  get #processes(): number {
    return this.#settings.processes ?? 1;
  }

  get #isDivided(): boolean {
    return this.#processes > 1;
  }

  /** The type in which the device has a parameter. */
  #typeOf({ dtype, trained }: HeldParameter): DType {
    return trained && (this.#isDivided || this.#settings.offload.optimizer) ? this.#settings.precision : dtype;
  }

  get #reference(): number {
    const { reference, offload } = this.#settings;
    return reference && !offload.reference ? this.#b * total(this.#trained(), elements) : 0;
  }

  get #moments(): number {
    return this.#settings.offload.optimizer ? 0 : (2 * this.#gradients()) / this.#processes;
  }

  #trained(...parts: readonly Part[]): HeldParameter[] {
    return this.#parameters.filter(({ trained, part }) => trained && (parts.length === 0 || parts.includes(part)));
  }

  #trains(...parts: readonly Part[]): boolean {
    return this.#trained(...parts).length > 0;
  }

  /** Float32 gradients of what is trained, of some parts or of all. */
  #gradients(...parts: readonly Part[]): number {
    return 4 * total(this.#trained(...parts), elements);
  }

  /** What of them a process sums up. */
  #sums(...parts: readonly Part[]): number {
    return this.#gradients(...parts) / this.#processes;
  }

  /** What several processes send gradients in. */
  get #bucket(): number {
    return this.#isDivided ? Math.min(4 * BUCKET, this.#sums()) : 0;
  }

  /** Casts of parameters that are held in another type than is computed in. */
  #casts(parameters: readonly HeldParameter[]): number {
    return (
      this.#b * total(parameters, (each) => (this.#typeOf(each) === this.#settings.precision ? 0 : elements(each)))
    );
  }

  /** The largest gradient among parameters on its way: as computed, and as float32 where that is another type, or turned round. */
  #arriving(parameters: readonly HeldParameter[]): number {
    const largest = Math.max(0, ...parameters.filter(({ trained }) => trained).map(elements));
    const isCopied = this.#isHalf || this.#settings.device === "cpu";
    return largest * (isCopied ? this.#b + 4 : 4);
  }

  #of(...parts: readonly Part[]): HeldParameter[] {
    return this.#parameters.filter(({ part }) => parts.includes(part));
  }

  get #isHalf(): boolean {
    return this.#b < 4;
  }

  #bytes({ compute = 0, attention = 0, float32 = 0 }: Values): number {
    return compute * this.#b + attention * this.#a + float32 * 4;
  }

  /** Features that an image's patches become. */
  #merged(patches: number): number {
    return patches / this.#model.imageLayout.mergeSize ** 2;
  }

  /** The fullest moment of a micro-batch, beside the gradients; in a step's first, those of the layers are not there from the start. */
  #microBatch(trees: readonly TreeSize[], isFirst: boolean): number {
    const { checkpointing, logitChunk } = this.#settings;
    const { layers: L, hidden: D, vocabulary: V, headWidth: E } = this.#model.shape;
    const b = this.#b;
    const T = total(trees, treeTokens);
    const learned = total(trees, ({ branches }) => sum(branches));
    const merged = total(trees, ({ patches }) => this.#merged(patches));
    const row = T * D * b;
    // The turn of every token, features of the images, five numbers a learned token, masks; what goes into the layers, the
    // final norm and the head.
    const embeddings = this.#of("embeddings");
    const whole =
      this.#casts(embeddings) + T * 2 * E * b + merged * D * b + learned * 20 + this.#masks(trees) + (L + 2) * row;
    const layer = this.#block(this.#model.layerCost(this.#isHalf), "language", T);
    const kept = layer.kept + this.#branchKeys(trees);
    const graph = checkpointing ? 0 : L * kept;
    // The gradient at the hidden states, a chunk's part of it, and the chunk: while its loss is differentiated, and while the head is.
    const chunk = Math.min(learned, Math.max(1, Math.floor(logitChunk / V))) * V;
    const table = this.#arriving(embeddings);
    const head = 2 * row + Math.max(chunk * 4 * LOGIT_COPIES, chunk * (this.#isHalf ? 4 + 2 * b : 8) + table);
    const running = checkpointing ? Math.max(layer.forward, kept + layer.backward) : graph + layer.backward;
    const missing = isFirst && !this.#isDivided ? this.#gradients("language") : 0;
    const flying = this.#flying;
    return (
      whole +
      Math.max(
        graph + head + flying.head - missing,
        // At the last layer, and at the first, where the inputs of the others are gone.
        running + flying.head + flying.layer - missing * (1 - 1 / L),
        checkpointing ? running + flying.head + flying.layer - (L - 1) * row : 0,
        this.#trains("embeddings") ? table + 2 * row - L * row + flying.embeddings : 0,
      )
    );
  }

  #blocks(part: Part): HeldParameter[][] {
    return groupBy(this.#of(part), ({ name }) => /^.*?\.\d+\./.exec(name)?.[0] ?? name);
  }

  /**
   * Gradients of several processes on their way to their owners: the head's, which stays until the end of a pass, where the embeddings'
   * join it, and those of one layer.
   */
  get #flying(): { readonly head: number; readonly layer: number; readonly embeddings: number } {
    if (!this.#isDivided) return { head: 0, layer: 0, embeddings: 0 };
    const trained = (block: readonly HeldParameter[]) =>
      4 *
      total(
        block.filter((each) => each.trained),
        elements,
      );
    return {
      head: 4 * Math.max(0, ...this.#trained("embeddings").map(elements)),
      layer: Math.max(0, ...this.#blocks("language").map(trained)),
      embeddings: this.#gradients("embeddings"),
    };
  }

  /**
   * The largest block of `part` with so many rows: what it keeps for its gradient, what its forward pass has made by its end, and
   * what its backward pass has beside what was kept.
   */
  #block(
    cost: BlockCost,
    part: Part,
    rows: number,
    dropout = this.#settings.dropout,
  ): { kept: number; forward: number; backward: number } {
    const blocks = this.#blocks(part);
    const largest = (of: (parameters: readonly HeldParameter[]) => number) => Math.max(0, ...blocks.map(of));
    // An adapter has its narrow product, twice, and beside each output its change and their sum. With dropout it has a mask and, twice,
    // what that lets through; its gradient asks for a mask and one of those in place of the input, which about two modules share.
    const adapters = (values: (narrow: number, into: number, out: number) => number) =>
      largest((block) =>
        total(block, ({ name, shape: [first, second] }) => {
          if (name.includes(".lora_A.")) return values(first!, second!, 0);
          return name.includes(".lora_B.") ? values(0, 0, first!) : 0;
        }),
      );
    const kept = adapters((narrow, into) => narrow + (dropout ? 1.5 * into : 0));
    const forward = adapters((narrow, into, out) => 2 * narrow + 2 * out + (dropout ? 3 * into : 0));
    const casts = largest((block) => this.#casts(block));
    return {
      kept: rows * (this.#bytes(cost.kept) + kept * this.#b) + casts,
      forward: rows * (this.#bytes(cost.forward) + forward * this.#b) + casts,
      // A gradient in float32 is there at the fullest moment only where it is a cast of another.
      backward: rows * this.#bytes(cost.backward) + (this.#isHalf ? largest((block) => this.#arriving(block)) : 0),
    };
  }

  /** Every branch has its root's keys and values and its own side by side. */
  #branchKeys(trees: readonly TreeSize[]): number {
    const { kvHeads: K, headWidth: E } = this.#model.shape;
    const rows = total(trees, ({ promptTokens, branches }) => total(branches, (length) => promptTokens + length));
    return rows * 2 * K * E * this.#a;
  }

  /** Every root and every branch of another length has a mask of its own, over its root's columns and its own. */
  #masks(trees: readonly TreeSize[]): number {
    if (this.#settings.flash) return 0;
    const { heads: H, kvHeads: K } = this.#model.shape;
    const masks = new Map<string, number>();
    for (const { promptTokens, branches } of trees) {
      masks.set(`0+${promptTokens}`, promptTokens ** 2);
      for (const t of branches) masks.set(`${promptTokens}+${t}`, t * (promptTokens + t));
    }
    return sum([...masks.values()]) * (H / K) * this.#a;
  }

  /** The most patches that go through a trained tower together. */
  #together(trees: readonly TreeSize[]): number {
    const { device, checkpointing, dropout } = this.#settings;
    const groups = byBudget(trees, ({ patches }) => patches, patchesTogether(device, checkpointing, dropout));
    return Math.max(...groups.map((group) => total(group, ({ patches }) => patches)));
  }

  /** The fullest moment of the tower's backward pass over some prompts' images, beside the gradients. */
  #visionPhase(patches: number): number {
    const tower = this.#model.towerCost(this.#isHalf);
    const rows = patches * tower.rowsPerPatch;
    const row = rows * tower.width * this.#b;
    const features = 2 * this.#merged(patches) * this.#model.shape.hidden * this.#b;
    const block = this.#block(tower.block, "vision", rows);
    const last = this.#block(tower.connector, "connector", rows);
    const connector = Math.max(last.forward, last.kept + last.backward) + this.#arriving(this.#of("connector"));
    if (!this.#trains("vision")) return features + Math.max(this.#encoding(patches), row + connector);
    const inputs = patches * tower.pixels * this.#b + (tower.blocks + 1) * row;
    if (this.#settings.checkpointing)
      return features + inputs + Math.max(connector, block.forward, block.kept + block.backward);
    return features + inputs + tower.blocks * block.kept + last.kept + block.backward;
  }

  /** The fullest moment of encoding some prompts' images without a gradient. */
  #encoding(patches: number): number {
    const tower = this.#model.towerCost(this.#isHalf);
    const rows = patches * tower.rowsPerPatch;
    return (
      patches * tower.pixels * this.#b +
      2 * rows * tower.width * this.#b +
      this.#block(tower.block, "vision", rows, false).forward
    );
  }

  /** The fullest moment of sampling. */
  #sampling(trees: readonly TreeSize[], maxTokens: number, budget: number): number {
    const { vocabulary: V, layers: L, heads: H } = this.#model.shape;
    const { precision, device } = this.#settings;
    const perToken = cacheBytesPerToken(this.#model, precision, device);
    const row = (tree: TreeSize) => (tree.promptTokens + maxTokens) * perToken * tree.branches.length;
    const cost = this.#model.layerCost(this.#isHalf);
    const trainsVision = this.#trains("vision", "connector");
    const batches = new Map(byBudget(trees, row, budget).map((batch) => [JSON.stringify(batch), batch]));
    const moments = [...batches.values()].map((batch) => {
      const roots = batch.map((tree) => ({ ...tree, branches: [] }));
      const chunks = byBudget(roots, treeTokens, PREFILL_TOKENS).map(
        (chunk) => this.#block(cost, "language", total(chunk, treeTokens), false).forward + 1.5 * this.#masks(chunk),
      );
      const encoding = this.#encoding(trainsVision ? this.#together(batch) : mostPatches(batch));
      const room = total(batch, ({ promptTokens }) => promptTokens + Math.min(blockOf(device), maxTokens));
      const rows = total(batch, ({ branches }) => branches.length);
      const columns = Math.max(...batch.map(({ promptTokens }) => promptTokens)) + maxTokens;
      // A processor's scores, and what follows from them.
      const scores = device === "cpu" ? 2 * rows * H * columns * this.#a : 0;
      return Math.max(
        room * perToken + Math.max(encoding, ...chunks),
        // While the cache grows, the keys or the values of one layer are there twice.
        total(batch, row) * (1 + 0.5 / L) + Math.max(scores, rows * V * (this.#b + CHOOSING)),
      );
    });
    return this.#samplingCopies + Math.max(...moments);
  }

  /** Of weights: see sampling-weights.ts. */
  get #samplingCopies(): number {
    const { device, precision } = this.#settings;
    const trained = new Set(this.#trained().map(({ name }) => name));
    const joined = joinedSiblings(this.#model, device, precision, (name) => trained.has(name));
    const joinedWeights = new Set(joined.flat().map((prefix) => `${prefix}.weight`));
    const isLaidOut = (each: HeldParameter) => isPacked(this.#model, each, device) || joinedWeights.has(each.name);
    const isCast = (each: HeldParameter) => !isLaidOut(each) || each.part === "embeddings";
    return this.#casts(this.#parameters.filter(isCast)) + this.#b * total(this.#parameters.filter(isLaidOut), elements);
  }
}

/** Keys and values of one token in all layers. */
export function cacheBytesPerToken({ shape }: Model, precision: DType, device: string): number {
  return 2 * shape.layers * shape.kvHeads * shape.headWidth * bytesPer[attentionType(precision, device)];
}

function elements({ shape }: HeldParameter): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** The prompts of a step with completions of one length. */
function treesOf({ prompts, completions, promptTokens, patches }: Workload, length: number): TreeSize[] {
  const tree = { promptTokens, patches, branches: new Array<number>(completions).fill(length) };
  return new Array<TreeSize>(prompts).fill(tree);
}

function treeTokens({ promptTokens, branches }: TreeSize): number {
  return promptTokens + sum(branches);
}

function mostPatches(trees: readonly TreeSize[]): number {
  return Math.max(...trees.map(({ patches }) => patches));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function total<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((result, item) => result + of(item), 0);
}
