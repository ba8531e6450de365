/**
 * @file Few-shot fine-tuning, the supervised baseline beside GRPO-GR (paper, section 4.1): the same few samples, but their
 * boxes and answers are taught word for word. The original's targets are not published; here they are what the method `sft`
 * asks for: the list of all true boxes in the model's own coordinates, then the answer.
 */

import { join } from "node:path";
import { z } from "zod";
import { toSpace } from "../boxes.ts";
import { answerIn } from "../chain/detection.ts";
import { about } from "../config/key-places.ts";
import { type LoadRecipeOptions, recipeFields } from "../config/recipe.ts";
import { toEngine, toImage, toOptimizer, toSchedule } from "../config/recipe-options.ts";
import { loadYaml } from "../config/yaml.ts";
import { dataHash } from "../data/samples.ts";
import { loadTrainingSet } from "../data/training-set.ts";
import type { Engine, TrainGroup } from "../engine/engine.ts";
import { RemoteEngine } from "../engine/remote-engine.ts";
import { learningRate } from "../objective/schedule.ts";
import { writeAskedAs } from "../prompt/asked-as.ts";
import { userText } from "../prompt/methods.ts";
import type { Processor } from "../prompt/prompt.ts";
import type { Frame, Sample } from "../records.ts";
import { batchOf } from "../train.ts";
import { writeWhole } from "../util/files.ts";
import { PartialFolder } from "../util/partial-folder.ts";
import { needFinite } from "./need-finite.ts";

const { model, seed, steps, prompts_per_step, data, optimizer, image, freeze, precision, device, micro_batch_tokens } =
  recipeFields.shape;

/** The keys of a training recipe that fine-tuning uses. */
export const finetuneSchema = z.strictObject({
  model,
  data: data.omit({ eval: true }),
  seed,
  steps,
  prompts_per_step,
  optimizer,
  image,
  freeze,
  precision,
  device,
  micro_batch_tokens,
  activation_checkpointing: recipeFields.shape.activation_checkpointing,
});
export type FinetuneRecipe = z.infer<typeof finetuneSchema>;

/** As `loadRecipe`. @throws UserError naming every fault by file, line and key */
export function loadFinetuneRecipe(
  file: string,
  overrides: readonly string[] = [],
  { files = false, weights = true, set }: LoadRecipeOptions = {},
): Promise<FinetuneRecipe> {
  return loadYaml(file, finetuneSchema, {
    overrides,
    set,
    models: ["model"],
    absentModels: !weights,
    paths: ["data.train", "data.images"],
    present: () => (files ? { files: ["data.train"], folders: ["data.images"], models: weights ? ["model"] : [] } : {}),
  });
}

export interface FinetuneMetrics {
  readonly step: number;
  /** Mean negative log-likelihood a token. */
  readonly loss: number;
  readonly lr: number;
}

/**
 * Teaches a recipe's samples to its model and writes the checkpoint, whole or not at all; `trainer/finetune.json` in it records
 * its recipe and data.
 * @throws UserError for bad data, or when another process writes there; the signal's reason when it fires
 */
export async function finetune(
  recipe: FinetuneRecipe,
  out: string,
  { onStep, signal }: { onStep?: (metrics: FinetuneMetrics) => void; signal?: AbortSignal } = {},
): Promise<void> {
  const samples = await loadTrainingSet(recipe.data);
  const work = PartialFolder.take(out);
  let engine: Engine | undefined;
  try {
    engine = await about("model", () => RemoteEngine.open(recipe.model, toEngine(recipe), { signal }));
    const { processor } = engine;
    for (let step = 1; step <= recipe.steps; step++) {
      signal?.throwIfAborted();
      const batch = batchOf(samples, recipe, step);
      const groups = await Promise.all(batch.map((sample) => lesson(processor, sample)));
      const { metrics } = await engine.forwardBackward(groups, { kind: "nll" }, { signal });
      const rate = learningRate(toSchedule(recipe), step - 1);
      needFinite(step, await engine.step({ lr: rate, ...toOptimizer(recipe.optimizer) }));
      onStep?.({ step, loss: metrics.loss, lr: rate });
    }
    const partial = work.path("model");
    await engine.export(partial, { signal });
    writeAskedAs(partial, { method: "sft", image: toImage(recipe.image) });
    writeWhole(
      join(partial, RECORD),
      `${JSON.stringify(await madeBy({ ...recipe, precision: engine.precision }), null, 2)}\n`,
    );
    work.commit("model");
  } finally {
    work.remove();
    await engine?.dispose();
  }
}

/** The file of a checkpoint that records how it was made. It is not part of the model. */
export const RECORD = "trainer/finetune.json";

/** What decides a fine-tuned model: its recipe, and the hash of its data. */
export async function madeBy(recipe: FinetuneRecipe): Promise<object> {
  const samples = await loadTrainingSet(recipe.data);
  return { recipe, data: { train: await dataHash(samples) } };
}

/** A sample's prompt, and its target. */
async function lesson(processor: Processor, sample: Sample): Promise<TrainGroup> {
  const image = await processor.image(sample.image);
  const response = target(sample, processor, image.frame);
  const turn = processor.encodeConversation(userText(sample.question, "sft"), [image], { response });
  return {
    prompt: { ids: turn.head, images: [image] },
    items: [{ context: turn.rest, ids: turn.response, advantage: 0 }],
  };
}

/** The text to be learned: boxes in the model's space, whole numbers, then the answer, which in a detection sample is one too. */
export function target(sample: Sample, { boxSpace }: Pick<Processor, "boxSpace">, frame: Frame): string {
  const boxes = sample.boxes.map((box) => {
    const { x1, y1, x2, y2 } = toSpace(box, boxSpace, frame);
    return `{"bbox_2d": [${[x1, y1, x2, y2].map(Math.round).join(", ")}]}`;
  });
  return `[${boxes.join(", ")}]\n<answer>\n${answerIn(boxSpace, sample, frame)}\n</answer>`;
}
