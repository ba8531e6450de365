/**
 * @file How much memory a training step takes, estimated from shapes: what is held throughout, and what sampling and the
 * gradient need beside it, one after the other. `memory.test.ts` measures it against the allocators' own count.
 *
 * Letters as in the tensors' names; b and a are the bytes of the computation's type and of attention's.
 */
import { attentionType } from "../models/attention.ts";
import type { Model } from "../models/model.ts";
import { bytesPer, type DType } from "../torch/tensor.ts";

/** Bytes of what an engine holds. */
export interface Holdings {
  /** Masters, frozen weights and adapter. */
  readonly weights: number;
  readonly reference: number;
  /** The cast of them that a pass computes with; 0 where they are of that type. */
  readonly compute: number;
  /** Float32 gradients of what is trained; its two moments are twice as much. */
  readonly gradients: number;
  /** The largest of those gradients. */
  readonly largestGradient: number;
  readonly visionTrained: boolean;
}

export interface Settings {
  readonly precision: DType;
  readonly device: string;
  readonly microBatchTokens: number;
  readonly checkpointing: boolean;
  /** Elements of one chunk of logits. */
  readonly logitChunk: number;
}

/** The longest that a step can become. */
export interface Workload {
  readonly prompts: number;
  /** Completions a prompt. */
  readonly completions: number;
  /** Of the longest prompt, its image tokens among them. */
  readonly promptTokens: number;
  /** Patches of its images, as they enter the vision tower. */
  readonly patches: number;
  /** New tokens a completion. */
  readonly maxTokens: number;
}

/** Bytes, by what they are for. */
export interface MemoryEstimate {
  readonly weights: number;
  readonly reference: number;
  readonly gradients: number;
  readonly moments: number;
  /** Beside those, at the peak of the gradient: cast weights, activations, logits. */
  readonly training: number;
  /** Beside weights, reference and moments, at the peak of sampling: cast weights, keys and values, logits. */
  readonly sampling: number;
  readonly peak: number;
  /** All the memory of the device. */
  readonly available: number;
}

/** Share of the memory beyond what is held throughout that keys and values of one batch may take. */
const CACHE_SHARE = 1 / 4;

/** Prompt tokens that go through the model together: enough to keep it busy, and no more memory than that takes. */
export const PREFILL_TOKENS = 8192;

/** Bytes that keys and values of one batch may take on a device with so much memory. */
export function cacheBytes(held: Holdings, deviceBytes: number): number {
  const left = deviceBytes - held.weights - held.reference - held.compute - 2 * held.gradients;
  return Math.max(2 ** 26, CACHE_SHARE * left);
}

/** What a step of the workload takes on a device with so much memory. */
export function predictMemory(
  model: Model,
  held: Holdings,
  settings: Settings,
  workload: Workload,
  available: number,
): MemoryEstimate {
  const { weights, reference, gradients } = held;
  const moments = 2 * gradients;
  const training = held.compute + trainingBytes(model, held, settings, workload);
  const sampling = held.compute + samplingBytes(model, held, settings, workload, cacheBytes(held, available));
  const peak = weights + reference + moments + Math.max(gradients + training, sampling);
  return { weights, reference, gradients, moments, training, sampling, peak, available };
}

function trainingBytes(
  model: Model,
  { largestGradient, visionTrained }: Holdings,
  { precision, device, microBatchTokens, checkpointing, logitChunk }: Settings,
  { prompts, completions, promptTokens, patches, maxTokens }: Workload,
): number {
  const { layers, hidden: D, vocabulary: V, heads: H, kvHeads: K } = model.shape;
  const [b, a] = [bytesPer[precision], bytesPer[attentionType(precision, device)]];
  const tree = promptTokens + completions * maxTokens;
  const T = Math.min(prompts * tree, Math.max(microBatchTokens, tree));
  const trees = Math.ceil(T / tree);
  const layer = layerBytes(model, T, b, a);
  const kept = checkpointing ? (layers + 1) * T * D * b + layer.kept : layers * layer.kept;
  // Every branch of another length has a mask of its own, over its root's columns and its own.
  const branches = trees * completions;
  const rows = (H / K) * (promptTokens ** 2 * trees + branches * maxTokens * (promptTokens + maxTokens));
  const vision = visionTrained ? trees * patches * visionValues(model).kept * b : 0;
  return (
    kept + rows * a + vision + Math.max(layer.passing, logitBytes(Math.min(T, logitChunk / V), V, b)) + largestGradient
  );
}

/** What one layer keeps for its gradient, and what its backward pass needs besides while it runs. */
function layerBytes(model: Model, T: number, b: number, a: number): { kept: number; passing: number } {
  const { hidden: D, intermediate: F, heads: H, kvHeads: K, headWidth: E } = model.shape;
  // Two norms with their input, the scaled and the unscaled output; queries, keys, values and what attention made of
  // them; gate, up, and their two products.
  const kept = T * (6 * D * b + (2 * H + 2 * K) * E * a + H * E * b + 4 * F * b);
  const passing = T * (3 * F * b + 2 * D * b);
  return { kept, passing };
}

/** Logits as computed, as float32, masked, and three gradients of them. */
function logitBytes(rows: number, V: number, b: number): number {
  return rows * V * (b + 5 * 4);
}

/** Values that a pass through a block holds for each one that a gradient would keep: the costlier tower's, Qwen2.5-VL's. */
const PASSING = 2.5;

/**
 * Values of one patch in the vision tower: those kept for its gradient, which go into or come out of a matrix or into a norm,
 * and the most there are at a time where none is computed, in one of its blocks.
 */
function visionValues(model: Model): { kept: number; passing: number } {
  const blocks = new Map<string, number>();
  for (const [name, [first, ...rest]] of model.parameterShapes()) {
    if (model.partOf(name) !== "vision" || !name.endsWith(".weight")) continue;
    const values = first! + (rest.length > 0 ? rest.reduce((x, y) => x * y) : 0);
    const block = /^.*?\.\d+\./.exec(name)?.[0] ?? name;
    blocks.set(block, (blocks.get(block) ?? 0) + values);
  }
  const all = [...blocks.values()];
  return { kept: all.reduce((x, y) => x + y, 0), passing: PASSING * Math.max(...all) };
}

function samplingBytes(
  model: Model,
  { visionTrained }: Holdings,
  { precision, device }: Settings,
  { prompts, completions, promptTokens, patches, maxTokens }: Workload,
  budget: number,
): number {
  const { vocabulary: V } = model.shape;
  const [b, a] = [bytesPer[precision], bytesPer[attentionType(precision, device)]];
  const row = (promptTokens + maxTokens) * cacheBytesPerToken(model, precision, device);
  const batch = Math.min(prompts, Math.max(1, Math.floor(budget / (completions * row))));
  // Prompts go through the model some at a time, a frozen tower's images one by one.
  const together = Math.min(batch, Math.max(1, Math.floor(PREFILL_TOKENS / promptTokens)));
  const layer = layerBytes(model, together * promptTokens, b, a);
  const vision = (visionTrained ? together : 1) * patches * visionValues(model).passing * b;
  return batch * completions * row + Math.max(layer.kept, vision, logitBytes(batch * completions, V, b));
}

/** Keys and values of one token in all layers. */
export function cacheBytesPerToken({ shape }: Model, precision: DType, device: string): number {
  return 2 * shape.layers * shape.kvHeads * shape.headWidth * bytesPer[attentionType(precision, device)];
}
