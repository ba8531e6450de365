/** @file Makes the models that a table needs by their recipes: once, resumed when interrupted, never confused with another's. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { placing } from "../config/key-places.ts";
import { loadRecipe, type Recipe, settledIn } from "../config/recipe.ts";
import type { SetValues } from "../config/yaml.ts";
import { dataHash } from "../data/samples.ts";
import { loadTrainingSet } from "../data/training-set.ts";
import { checkpointDir } from "../hub/run-checkpoints.ts";
import {
  type FinetuneMetrics,
  type FinetuneRecipe,
  finetune,
  loadFinetuneRecipe,
  madeBy,
  RECORD,
} from "../pretrain/finetune.ts";
import type { MetricsLine } from "../run/lines.ts";
import { train } from "../train.ts";
import { differences, thereAndNow } from "../util/differences.ts";
import { UserError } from "../util/errors.ts";
import { firstFew } from "../util/faults.ts";

/** A model to be made: by `grit train` into a run folder, or by `grit pretrain` into a checkpoint's. */
export type ModelToMake =
  | { readonly by: "train"; readonly recipe: Recipe; readonly dir: string; readonly step?: number | undefined }
  | { readonly by: "pretrain"; readonly recipe: FinetuneRecipe; readonly dir: string };

/** How a table's row names the recipe of its model. */
export interface MadeBy {
  /** The recipe of `grit train`, or that of `grit pretrain`. */
  readonly train?: string | undefined;
  readonly pretrain?: string | undefined;
  /** The checkpoint of the run after this step; without it the last. */
  readonly step?: number | undefined;
  readonly seed: number;
  readonly set?: SetValues | undefined;
}

/**
 * What is to be made into a folder; undefined where no recipe is named.
 * @throws UserError for a recipe that cannot be read, and when its run keeps no checkpoint of the step
 */
export async function modelToMake(
  { train, pretrain, step, seed, set }: MadeBy,
  dir: string,
): Promise<ModelToMake | undefined> {
  const overrides = [`seed=${seed}`];
  if (pretrain) return { by: "pretrain", recipe: await loadFinetuneRecipe(pretrain, overrides, { set }), dir };
  if (!train) return undefined;
  const recipe = await loadRecipe(train, overrides, { set });
  if (step !== undefined) refuseUnkept(recipe, step, train);
  return { by: "train", recipe, dir, step };
}

/** @throws UserError when a run does not save a step, or has removed it by its end */
function refuseUnkept({ steps, save: { every, keep } }: Recipe, step: number, file: string): void {
  const later = Math.ceil(steps / every) - Math.ceil(step / every);
  if (step <= steps && (step === steps || step % every === 0) && later < keep) return;
  throw new UserError(
    `The run of ${file} has ${steps} steps, saves every ${every} and keeps ${keep}: no checkpoint of step ${step} is left.`,
    "Choose another step, or let the row set save.every and save.keep.",
  );
}

export interface MakingListener {
  readonly signal: AbortSignal;
  /** Called when training begins, or continues after `from` steps; gives what is called after each step. Not called when the model exists. */
  readonly onTraining: (steps: number, from: number) => (metrics: MetricsLine | FinetuneMetrics) => void;
}

/**
 * The checkpoint folder of a model, which is made unless it exists.
 * @throws UserError when `dir` holds what another recipe or other data made, naming what differs; as `train` and `finetune`
 */
export function makeModel(model: ModelToMake, listener: MakingListener): Promise<string> {
  return model.by === "train" ? trained(model, listener) : finetuned(model, listener);
}

async function trained(
  { recipe: given, dir, step = given.steps }: Extract<ModelToMake, { by: "train" }>,
  listener: MakingListener,
): Promise<string> {
  const recipe = settledIn(given, join(dir, "run.json"));
  const samples = await loadTrainingSet(recipe.data);
  const checkpoint = checkpointDir(dir, step);
  const resume = existsSync(join(dir, "run.json"));
  if (resume) refuseOther(join(dir, "run.json"), { recipe, data: { train: await dataHash(samples) } });
  if (existsSync(checkpoint)) return checkpoint;
  let onStep: ReturnType<MakingListener["onTraining"]> | undefined;
  await placing(given, () =>
    train(recipe, {
      run: dir,
      resume,
      signal: listener.signal,
      onReady: ({ from }) => {
        onStep = listener.onTraining(recipe.steps, from);
      },
      onStep: (line) => onStep?.(line),
    }),
  );
  if (existsSync(checkpoint)) return checkpoint;
  throw new UserError(
    `${dir} has no checkpoint of step ${step} any more: those that interruptions saved are kept in its place.`,
    "Remove the folder and run the command again, or raise save.keep.",
  );
}

async function finetuned(
  { recipe: given, dir }: Extract<ModelToMake, { by: "pretrain" }>,
  listener: MakingListener,
): Promise<string> {
  const recipe = settledIn(given, join(dir, RECORD));
  if (existsSync(dir)) {
    refuseOther(join(dir, RECORD), await madeBy(recipe));
    return dir;
  }
  const onStep = listener.onTraining(recipe.steps, 0);
  await placing(given, () => finetune(recipe, dir, { signal: listener.signal, onStep }));
  return dir;
}

/** Refuses a model that was made by another recipe or from other data. */
function refuseOther(record: string, wanted: object): void {
  if (!existsSync(record)) throw new UserError(`${record} is missing beside the model.`, "Choose another --out.");
  const { recipe, data } = JSON.parse(readFileSync(record, "utf8")) as { recipe: unknown; data: unknown };
  const changes = differences({ recipe, data }, JSON.parse(JSON.stringify(wanted)));
  if (changes.length === 0) return;
  throw new UserError(
    [`The model that ${record} describes was made with other settings:`, ...firstFew(changes.map(thereAndNow))].join(
      "\n  ",
    ),
    "Choose another --out, or move it away.",
  );
}
