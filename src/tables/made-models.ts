/** @file Makes the models that a table needs by their recipes: once, resumed when interrupted, never confused with another's. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadRecipe, settledIn } from "../config/recipe.ts";
import { dataHash } from "../data/samples.ts";
import { loadTrainingSet } from "../data/training-set.ts";
import { type FinetuneMetrics, finetune, loadFinetuneRecipe, madeBy, RECORD } from "../pretrain/finetune.ts";
import type { MetricsLine } from "../run/lines.ts";
import { train } from "../train.ts";
import { differences, thereAndNow } from "../util/differences.ts";
import { UserError } from "../util/errors.ts";
import { firstFew } from "../util/faults.ts";

/** A model to be made: by `grit train` or by `grit pretrain`. */
export interface ModelToMake {
  readonly by: "train" | "pretrain";
  /** The recipe's file. */
  readonly recipe: string;
  readonly seed: number;
  /** The run folder, or the checkpoint's. */
  readonly dir: string;
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

async function trained({ recipe: file, seed, dir }: ModelToMake, listener: MakingListener): Promise<string> {
  const recipe = settledIn(await loadRecipe(file, [`seed=${seed}`]), join(dir, "run.json"));
  const samples = await loadTrainingSet(recipe.data);
  const checkpoint = join(dir, "checkpoints", `step-${recipe.steps}`);
  const resume = existsSync(join(dir, "run.json"));
  if (resume) refuseOther(join(dir, "run.json"), { recipe, data: { train: await dataHash(samples) } });
  if (existsSync(checkpoint)) return checkpoint;
  let onStep: ReturnType<MakingListener["onTraining"]> | undefined;
  await train(recipe, {
    run: dir,
    resume,
    signal: listener.signal,
    onReady: ({ from }) => {
      onStep = listener.onTraining(recipe.steps, from);
    },
    onStep: (line) => onStep?.(line),
  });
  return checkpoint;
}

async function finetuned({ recipe: file, seed, dir }: ModelToMake, listener: MakingListener): Promise<string> {
  const recipe = settledIn(await loadFinetuneRecipe(file, [`seed=${seed}`]), join(dir, RECORD));
  if (existsSync(dir)) {
    refuseOther(join(dir, RECORD), await madeBy(recipe));
    return dir;
  }
  await finetune(recipe, dir, { signal: listener.signal, onStep: listener.onTraining(recipe.steps, 0) });
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
