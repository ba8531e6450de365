/**
 * @file What a recipe takes of a device's memory, from the shapes of its model: known before weights are read, and for a card that
 * is not there.
 */
import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import type { Recipe } from "../config/recipe.ts";
import { readModel } from "../models/architectures.ts";
import { knownModel } from "../models/known-shapes.ts";
import { adapterNames, chooseModules, linearModules } from "../models/lora.ts";
import type { Model } from "../models/model.ts";
import { computeType } from "../torch/precision.ts";
import { UserError } from "../util/errors.ts";
import type { Room } from "./device.ts";
import { defaultLogitChunk } from "./logprobs.ts";
import { type HeldParameter, type MemoryEstimate, MemoryForecast, type Workload } from "./memory.ts";
import { forecastStep, type Speeds, type StepForecast } from "./step-forecast.ts";

/** The keys of a recipe that a plan depends on. */
export type PlannedRecipe = Pick<
  Recipe,
  | "precision"
  | "freeze"
  | "lora"
  | "loss"
  | "offload"
  | "micro_batch_tokens"
  | "activation_checkpointing"
  | "prompts_per_step"
  | "group_size"
  | "sampling"
  | "image"
>;

/** Tokens of a prompt beside its images: the instructions of a method, and a question of some sentences. */
const PROMPT_WORDS = 256;

/** The largest image of Qwen2.5-VL's own preprocessor, in pixels, and the most tiles of InternVL3's. */
const MOST_PIXELS = 12_845_056;
const MOST_TILES = 12;

/** The most that the library's own files take of a GPU's memory, and what lies waste between tensors. */
const SPARE = 0.05;

/**
 * What a card is taken to reach, whatever its size: what one H200 did with Qwen2.5-VL-3B in bfloat16 (docs/gpu.md). Links are not
 * measured: half of the 300 GB/s that an A100 has to the others of its machine, and 200 Gb/s a card between machines of eight.
 */
const CARD = { flops: 300e12, bandwidth: 1.2e12 };
const CARDS_TOGETHER = 8;
const LINKS = { together: 150e9, apart: 25e9 };

/** What each of so many cards is taken to reach. */
export function cardSpeeds(processes: number): Speeds {
  return { ...CARD, link: processes <= CARDS_TOGETHER ? LINKS.together : LINKS.apart };
}

/** A card sold as of so many GB has 2³⁰ bytes for each, but for what its driver keeps. */
const CARD_BYTES = 0.988 * 2 ** 30;

/** Room on a card of so many GB, as its name says it: `80GB`, `24`. @throws UserError for anything else */
export function cardRoom(name: string): Room {
  const gigabytes = Number(/^(\d+(?:\.\d+)?) ?(?:gb)?$/i.exec(name)?.[1]);
  if (!(gigabytes > 0)) throw new UserError(`--card ${name} is not a size.`, "Write it as --card 80GB.");
  return { device: "cuda:0", available: gigabytes * CARD_BYTES };
}

/**
 * The model of a recipe, without its weights: a checkpoint's folder, or a released model.
 * @throws UserError for a folder that is not there, or another id
 */
export function plannedModel(name: string): Model {
  if (existsSync(name)) return readModel(name);
  if (isAbsolute(name))
    throw new UserError(
      `model: there is no folder ${name}.`,
      "Name a checkpoint's folder, a run folder, or the hub id of a model. A path in a recipe starts at the recipe's folder.",
      "model",
    );
  const known = knownModel(name);
  if (known) return known;
  throw new UserError(
    `The shapes of ${name} are not known.`,
    `Download it with \`grit download ${name}\`; the plan then reads its config.json.`,
    "model",
  );
}

/** A step of a recipe at its worst. `largest` is the area of the largest image in pixels, where it is known. */
export function planStep(recipe: PlannedRecipe, model: Model, room: Room, largest?: number): MemoryEstimate {
  const prompts = Math.ceil(recipe.prompts_per_step / (room.processes ?? 1));
  const workload = { ...workloadOf(recipe, model, largest), prompts };
  return forecastOf(recipe, model, room).worst(workload, room.available);
}

/** How long a step takes, and what it sends, with completions as long as they may be. */
export function planTime(
  recipe: PlannedRecipe,
  model: Model,
  { device, processes = 1 }: Pick<Room, "device" | "processes">,
  speeds: Speeds,
  largest?: number,
): StepForecast {
  const precision = computeType(recipe.precision, device);
  const settings = {
    ...{ precision, device, processes },
    reference: recipe.loss.beta > 0,
    checkpointing: recipe.activation_checkpointing,
    updates: recipe.loss.updates_per_rollout,
    microBatchTokens: recipe.micro_batch_tokens,
  };
  const parameters = parametersOf(recipe, model, precision);
  return forecastStep(model, parameters, workloadOf(recipe, model, largest), settings, speeds);
}

/** What a step takes when its completions are all of `length` tokens. */
export function planAtLength(recipe: PlannedRecipe, model: Model, room: Room, length: number): MemoryEstimate {
  return forecastOf(recipe, model, room).atLength(workloadOf(recipe, model), length, room.available);
}

/** Whether a step fits: an accelerator keeps a twentieth for its context, its kernels, and what lies waste between tensors. */
export function fits({ peak, available }: MemoryEstimate, { device }: Room): boolean {
  return peak <= available * (device === "cpu" ? 1 : 1 - SPARE);
}

/** A change of a recipe, and the peak that it gives. */
export interface Saving {
  /** As it is written in a recipe or on the command line. */
  readonly change: string;
  readonly peak: number;
}

/** Changes of single keys that lower the peak by more than a hundredth, those that lower it most first. */
export function savings(recipe: PlannedRecipe, model: Model, room: Room, largest?: number): Saving[] {
  const { peak } = planStep(recipe, model, room, largest);
  const { micro_batch_tokens, image, lora, freeze } = recipe;
  const changes: (readonly [string, Partial<PlannedRecipe>])[] = [
    ...[2, 4, 8]
      .map((share) => Math.floor(micro_batch_tokens / share))
      .filter((tokens) => tokens >= 512)
      .map((tokens) => [`micro_batch_tokens=${tokens}`, { micro_batch_tokens: tokens }] as const),
    ["activation_checkpointing=true", { activation_checkpointing: true }],
    ["offload.reference=true", { offload: { ...recipe.offload, reference: true } }],
    ["offload.optimizer=true", { offload: { ...recipe.offload, optimizer: true } }],
  ];
  if (!lora) {
    changes.push(["lora.rank=16", { freeze: [], lora: LORA }]);
    if (freeze.length === 0) changes.push(["freeze=[vision,connector]", { freeze: ["vision", "connector"] }]);
  }
  if (model.towerCost(false).tile) {
    const tiles = image.max_tiles ?? MOST_TILES;
    if (tiles > 1)
      changes.push([
        `image.max_tiles=${Math.ceil(tiles / 2)}`,
        { image: { ...image, max_tiles: Math.ceil(tiles / 2) } },
      ]);
  } else {
    const half = Math.floor(pixelsOf(recipe, largest) / 2);
    changes.push([`image.max_pixels=${half}`, { image: { ...image, max_pixels: half } }]);
  }
  return changes
    .map(([change, keys]) => ({ change, peak: planStep({ ...recipe, ...keys }, model, room, largest).peak }))
    .filter((saving) => saving.peak < 0.99 * peak)
    .sort((a, b) => a.peak - b.peak);
}

const LORA = {
  rank: 16,
  alpha: 32,
  dropout: 0,
  target_modules: "all-linear",
  parts: ["language"],
} satisfies Recipe["lora"];

function forecastOf(recipe: PlannedRecipe, model: Model, { device, processes = 1 }: Room): MemoryForecast {
  const precision = computeType(recipe.precision, device);
  return new MemoryForecast(model, parametersOf(recipe, model, precision), {
    precision,
    device,
    reference: recipe.loss.beta > 0 && !recipe.lora,
    microBatchTokens: recipe.micro_batch_tokens,
    checkpointing: recipe.activation_checkpointing,
    logitChunk: defaultLogitChunk(device),
    offload: recipe.offload,
    processes,
    flash: device !== "cpu" && precision === "bfloat16",
    dropout: (recipe.lora?.dropout ?? 0) > 0,
  });
}

/** The parameters as an engine will hold them: what is trained in float32, the rest as released, in bfloat16, where that is computed in. */
function parametersOf(
  { freeze, lora }: PlannedRecipe,
  model: Model,
  precision: HeldParameter["dtype"],
): HeldParameter[] {
  const base = [...model.parameterShapes()].map(([name, shape]): HeldParameter => {
    const trained = !lora && !freeze.includes(model.partOf(name));
    return { name, part: model.partOf(name), shape, dtype: trained ? "float32" : precision, trained };
  });
  if (!lora) return base;
  const shapes = linearModules(model);
  const adapter = chooseModules(model, lora.target_modules, lora.parts, (module) => module).flatMap((module) => {
    const [out, into] = shapes.get(module)!;
    const names = adapterNames(module);
    const held = { part: model.partOf(`${module}.weight`), dtype: "float32", trained: true } as const;
    return [
      { ...held, name: names.a, shape: [lora.rank, into] },
      { ...held, name: names.b, shape: [out, lora.rank] },
    ];
  });
  return [...base, ...adapter];
}

function workloadOf(recipe: PlannedRecipe, model: Model, largest?: number): Workload {
  const { patchSize, mergeSize } = model.imageLayout;
  const { tile } = model.towerCost(false);
  const patches = tile ? tilesOf(recipe) * tile : pixelsOf(recipe, largest) / patchSize ** 2;
  return {
    prompts: recipe.prompts_per_step,
    completions: recipe.group_size,
    promptTokens: Math.ceil(patches / mergeSize ** 2) + PROMPT_WORDS,
    patches: Math.ceil(patches / mergeSize ** 2) * mergeSize ** 2,
    maxTokens: recipe.sampling.max_tokens,
  };
}

/** Area of the largest image as the tower takes it. */
function pixelsOf({ image }: PlannedRecipe, largest = Number.POSITIVE_INFINITY): number {
  return Math.min(image.max_pixels ?? MOST_PIXELS, Math.max(largest, image.min_pixels ?? 0));
}

/** Tiles of the largest image; several have a thumbnail beside them. */
function tilesOf({ image }: PlannedRecipe): number {
  const tiles = image.max_tiles ?? MOST_TILES;
  return tiles > 1 ? tiles + 1 : 1;
}
