/**
 * @file Supervised training of a small base model on the scenes world, from the checkpoint that `fresh.ts` makes.
 * One scene is one packed tree: its image and the prompt's head are the root, each lesson about it a branch.
 */

import { z } from "zod";
import { precisionSchema } from "../config/recipe.ts";
import { LESSON_KINDS, lessonsFor, type Mixture } from "../data/scenes/lessons.ts";
import { DATASETS } from "../data/scenes/question.ts";
import { renderScene } from "../data/scenes/render.ts";
import { STYLES, viewOf } from "../data/scenes/scene-chains.ts";
import { pretrainScene, sparseScene } from "../data/scenes/world.ts";
import type { Engine, TrainGroup } from "../engine/engine.ts";
import { RemoteEngine } from "../engine/remote-engine.ts";
import { parts } from "../models/model.ts";
import { learningRate } from "../objective/schedule.ts";
import { named } from "../prompt/image.ts";
import { GRIT_SUFFIX } from "../prompt/methods.ts";
import type { Processor } from "../prompt/prompt.ts";
import type { Cancellable } from "../util/interruptible.ts";
import { type Random, stream } from "../util/random.ts";
import { needFinite } from "./need-finite.ts";

/** Weights by name; a name that is left out has weight 0. */
function shares<const T extends readonly string[]>(names: T) {
  const weights = z.partialRecord(z.enum(names), z.number().nonnegative());
  return weights.transform(
    (given) =>
      Object.fromEntries(names.map((name: T[number]) => [name, given[name] ?? 0])) as Record<T[number], number>,
  );
}

/** As in the recipe of a training run: far above what is needed, far below what would exhaust a machine. */
const steps = z.int().positive().max(1e8);
const many = z
  .int()
  .positive()
  .max(2 ** 16);
const area = z.int().positive().max(1e9);

const pair = z.tuple([area, area]);
/** What the files of a fresh InternVL3 are made by. */
const internvlConfig = z.looseObject({
  text_config: z.looseObject({}),
  vision_config: z.looseObject({ image_size: pair, patch_size: pair }),
  downsample_ratio: z.number().positive(),
});
const freshConfig = z
  .looseObject({
    model_type: z.enum(["qwen2_5_vl", "internvl"]).optional(),
    vision_config: z.looseObject({}),
  })
  .superRefine((config, context) => {
    const found = config.model_type === "internvl" ? internvlConfig.safeParse(config) : undefined;
    for (const { path, message } of found?.error?.issues ?? [])
      context.addIssue({ code: "custom", path: [...path], message: `is not what InternVL3 wants (${message})` });
  });

export const pretrainSchema = z.strictObject({
  seed: z.int(),
  /** The fresh checkpoint: see `FreshRecipe`. */
  config: freshConfig,
  image: z.strictObject({ min_pixels: area, max_pixels: area }).optional(),
  max_vocab: z
    .int()
    .positive()
    .max(2 ** 20),
  language: z.string().optional(),
  /** The first stage, without words. */
  vision: z.strictObject({ steps, scenes_per_step: many, lr: z.number() }),
  /** What follows. A cycle starts from what the one before it exported, with fresh moments and its own cosine. */
  cycles: z
    .array(
      z.strictObject({
        lr: z.number().positive(),
        warmup_steps: z.int().nonnegative(),
        /** Steps after which the cosine reaches 0. Default: the cycle's steps. */
        decay_steps: z.int().positive().optional(),
        /** Parts that are not trained. */
        freeze: z.array(z.enum(parts)),
        /** One after another: steps, scenes a step, lessons a scene, and the shares of lesson kinds meanwhile. */
        stages: z
          .array(
            z.strictObject({
              steps,
              scenes: many,
              lessons: many,
              /** Least and most objects of a scene; without it, scenes are as full as those of the sets. */
              objects: z.tuple([many, many]).optional(),
              kinds: shares(LESSON_KINDS),
              /** Shares of the styles in which the GRIT prompt is answered. */
              styles: shares(STYLES),
            }),
          )
          .min(1),
      }),
    )
    .min(1),
  /** The result is the mean of the checkpoints of this many last cycles. */
  average: z.int().positive().default(1),
  optimizer: z.strictObject({
    betas: z.tuple([z.number(), z.number()]),
    weight_decay: z.number(),
    clip_norm: z.number(),
  }),
  precision: precisionSchema,
  micro_batch_tokens: z.int().positive(),
  mixture: z.strictObject({
    /** Shares of the data sets that questions are drawn from. */
    datasets: shares(DATASETS),
  }),
});
export type PretrainRecipe = z.infer<typeof pretrainSchema>;
export type Cycle = PretrainRecipe["cycles"][number];
type Stage = Cycle["stages"][number];

/** Steps of a cycle. */
export function cycleSteps({ stages }: Cycle): number {
  return stages.reduce((total, { steps }) => total + steps, 0);
}

export interface PretrainMetrics {
  readonly step: number;
  /** Mean negative log-likelihood a token, all lessons and by kind. */
  readonly loss: number;
  readonly kinds: Readonly<Record<string, number>>;
  readonly gradNorm: number;
  readonly lr: number;
  readonly tokensPerSecond: number;
  readonly seconds: { readonly data: number; readonly train: number };
}

/**
 * One cycle over the checkpoint in `dir`, whose outcome is written to `out`; reports every step. `done` steps of earlier cycles
 * have seen their scenes. @throws the signal's reason when it fires
 */
export async function pretrain(
  dir: string,
  out: string,
  recipe: PretrainRecipe,
  cycle: Cycle,
  done: number,
  { onStep, signal }: Cancellable & { readonly onStep?: ((metrics: PretrainMetrics) => void) | undefined } = {},
): Promise<void> {
  const options = { precision: recipe.precision, freeze: cycle.freeze, microBatchTokens: recipe.micro_batch_tokens };
  const engine = await RemoteEngine.open(dir, options, { signal });
  try {
    const plan = cycle.stages.flatMap((stage) => new Array<Stage>(stage.steps).fill(stage));
    for (const [index, stage] of plan.entries()) {
      const schedule = {
        lr: cycle.lr,
        schedule: "cosine",
        warmupSteps: cycle.warmup_steps,
        steps: cycle.decay_steps ?? plan.length,
      } as const;
      onStep?.(await pretrainStep(engine, recipe, stage, done + index, learningRate(schedule, index), signal));
    }
    await engine.export(out, { signal });
  } finally {
    await engine.dispose();
  }
}

/** The step-th step of all cycles. */
async function pretrainStep(
  engine: Engine,
  recipe: PretrainRecipe,
  stage: Stage,
  step: number,
  lr: number,
  signal: AbortSignal | undefined,
): Promise<PretrainMetrics> {
  const { optimizer } = recipe;
  const mixture = { ...recipe.mixture, ...stage };
  const started = performance.now();
  const scenes = Array.from({ length: stage.scenes }, (_, i) =>
    lesson(engine.processor, stream(recipe.seed, "scenes", "pretrain", step, i), mixture, stage.objects),
  );
  const made = performance.now();
  const groups = scenes.map(({ group }) => group);
  const { metrics, logprobs } = await engine.forwardBackward(groups, { kind: "nll" }, { signal });
  const update = await engine.step({
    lr,
    betas: optimizer.betas,
    eps: 1e-8,
    weightDecay: optimizer.weight_decay,
    clipNorm: optimizer.clip_norm,
  });
  needFinite(step, update);
  const ended = performance.now();
  return {
    step,
    loss: metrics.loss,
    kinds: lossByKind(
      scenes.flatMap(({ kinds }) => kinds),
      logprobs.flat(),
    ),
    gradNorm: update.gradNorm,
    lr,
    tokensPerSecond: (1000 * metrics.tokens) / (ended - started),
    seconds: { data: (made - started) / 1000, train: (ended - made) / 1000 },
  };
}

/** A scene with its lessons, as one group. */
function lesson(
  processor: Processor,
  random: Random,
  mixture: Mixture,
  objects?: readonly [number, number],
): { group: TrainGroup; kinds: string[] } {
  const scene = objects ? sparseScene(random, random.int(...objects)) : pretrainScene(random);
  const image = processor.images.process(named(renderScene(scene)));
  const lessons = lessonsFor(scene, random, viewOf(image.frame, processor.boxSpace), GRIT_SUFFIX, mixture);
  const turns = lessons.map(({ prompt, response }) => processor.encodeConversation(prompt, [image], { response }));
  return {
    group: {
      prompt: { ids: turns[0]!.head, images: [image] },
      items: turns.map(({ rest, response }) => ({ context: rest, ids: response, advantage: 0 })),
    },
    kinds: lessons.map(({ kind }) => kind),
  };
}

function lossByKind(kinds: readonly string[], logprobs: readonly (readonly number[])[]): Record<string, number> {
  const sums = new Map<string, { loss: number; tokens: number }>();
  for (const [i, kind] of kinds.entries()) {
    const entry = sums.get(kind) ?? { loss: 0, tokens: 0 };
    sums.set(kind, entry);
    entry.loss -= logprobs[i]!.reduce((a, b) => a + b, 0);
    entry.tokens += logprobs[i]!.length;
  }
  return Object.fromEntries([...sums].sort().map(([kind, { loss, tokens }]) => [kind, loss / tokens]));
}

/** Every word the lessons use, for the tokenizer. */
export function* corpus(recipe: PretrainRecipe): Generator<string> {
  const mixture = { ...recipe.mixture, ...recipe.cycles.at(-1)!.stages.at(-1)! };
  for (let i = 0; i < 2000; i++) {
    const random = stream(recipe.seed, "scenes", "corpus", i);
    const scene = pretrainScene(random);
    const view = viewOf({ imageWidth: 1, imageHeight: 1, frameWidth: 1, frameHeight: 1 }, "frame");
    for (const { prompt, response } of lessonsFor(scene, random, view, GRIT_SUFFIX, mixture)) {
      yield prompt;
      yield response;
    }
  }
  yield "system\nYou are a helpful assistant.\nuser\nassistant\n";
}
