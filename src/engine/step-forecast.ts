/**
 * @file How long a step takes and what each process sends, reckoned from shapes and a machine's speeds. Matrix products and the bytes
 * of weights, keys and values count; attention, kernels that are not products, and waiting for the slowest do not.
 * docs/several-cards.md has the formulas.
 */
import type { Model, Part } from "../models/model.ts";
import { bytesPer, type DType } from "../torch/dtype.ts";
import { byBudget } from "../util/arrays.ts";
import { cacheBytesPerToken, type HeldParameter, type Workload } from "./memory.ts";

/** What one process gets of the machine. */
export interface Speeds {
  /** Floating-point operations a second in matrix products. */
  readonly flops: number;
  /** Bytes a second that are read from the device's memory. */
  readonly bandwidth: number;
  /** Bytes a second that it sends to others while they send to it. */
  readonly link: number;
}

export interface StepSettings {
  /** The type of the computation. */
  readonly precision: DType;
  readonly device: string;
  /** Whether a reference reads the completions. */
  readonly reference: boolean;
  readonly checkpointing: boolean;
  readonly updates: number;
  /** Tokens of a micro-batch, at most. */
  readonly microBatchTokens: number;
  readonly processes: number;
}

/** Seconds by phase, and bytes. */
export interface StepForecast {
  readonly sampling: number;
  readonly scoring: number;
  /** Forward and backward. */
  readonly gradients: number;
  readonly update: number;
  /** Sending gradients and weights. */
  readonly sending: number;
  readonly seconds: number;
  /** Bytes that each process sends in a step, and receives. */
  readonly sent: number;
}

/** Values that AdamW reads and writes for each parameter, in float32: weight, gradient and two moments; weight and moments. */
const UPDATE_VALUES = 7;

/** A step of the whole `workload`, its prompts divided among the processes, with completions as long as they may be. */
export function forecastStep(
  model: Model,
  parameters: readonly HeldParameter[],
  workload: Workload,
  { precision, device, reference, checkpointing, updates, microBatchTokens, processes }: StepSettings,
  { flops, bandwidth, link }: Speeds,
): StepForecast {
  const prompts = Math.ceil(workload.prompts / processes);
  const { completions, promptTokens, patches, maxTokens } = workload;
  const weights = weightsOfToken(model);
  const products = (tokens: number) => (2 * weights * tokens) / flops;
  const seeing = (2 * matrices(model, "vision") * prompts * patches) / flops;
  const rows = prompts * completions;
  const tokens = prompts * promptTokens + rows * maxTokens;

  const prefill = seeing + products(prompts * promptTokens);
  const keys = rows * (promptTokens + maxTokens / 2) * cacheBytesPerToken(model, precision, device);
  const turn = Math.max(products(rows), (weights * bytesPer[precision] + keys) / bandwidth);
  const sampling = prefill + maxTokens * turn;

  const trainsVision = parameters.some(({ trained, part }) => trained && part === "vision");
  const scoring = reference ? products(tokens) + (trainsVision ? seeing : 0) : 0;
  // A gradient costs two forward passes; activations that are not kept, one more.
  const passes = checkpointing ? 4 : 3;
  const gradients = updates * passes * (products(tokens) + (trainsVision ? seeing : 0));

  const trained = (isSeeing: boolean) =>
    parameters
      .filter(({ trained, part }) => trained && (part === "vision" || part === "connector") === isSeeing)
      .reduce((sum, { shape }) => sum + elements(shape), 0);
  const [text, tower] = [trained(false), trained(true)];
  const update = (updates * UPDATE_VALUES * 4 * (text + tower)) / processes / bandwidth;
  // A gradient on its way to its owner is summed in a ring, in which everyone sends it once: after each micro-batch, and the tower's after
  // all. A new weight comes from its owner.
  const trees = new Array<number>(prompts).fill(promptTokens + completions * maxTokens);
  const micros = byBudget(trees, (tokens) => tokens, microBatchTokens).length;
  const weightsSent = bytesPer[precision] * (text + tower) * ((processes - 1) / processes);
  const sent = processes === 1 ? 0 : updates * (4 * (micros * text + tower) + weightsSent);
  const sending = sent / link;
  const seconds = sampling + scoring + gradients + update + sending;
  return { sampling, scoring, gradients, update, sending, seconds, sent };
}

/** Values of the matrices that a token goes through: those of the layers, and the head. */
export function weightsOfToken(model: Model): number {
  return model.shape.vocabulary * model.shape.hidden + matrices(model, "language");
}

function matrices(model: Model, part: Part): number {
  const shapes = [...model.parameterShapes()].filter(([name]) => model.partOf(name) === part).map(([, shape]) => shape);
  return shapes.filter(({ length }) => length > 1).reduce((sum, shape) => sum + elements(shape), 0);
}

function elements(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
