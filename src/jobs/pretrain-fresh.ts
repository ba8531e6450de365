/** @file A small base model from nothing: a fresh checkpoint learns to see, then to speak, cycle by cycle. */
import { appendFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { averageCheckpoints } from "../checkpoint/average.ts";
import { corpus, cycleSteps, type PretrainMetrics, type PretrainRecipe, pretrain } from "../pretrain/cycles.ts";
import { makeFreshCheckpoint } from "../pretrain/fresh.ts";
import { teachVision, type VisionMetrics } from "../pretrain/vision.ts";
import { computeType } from "../torch/precision.ts";

/** Callbacks that follow pretraining. */
export interface PretrainListener {
  /** Called after every step of the first stage, in which the model learns to see. */
  readonly onVisionStep?: (metrics: VisionMetrics) => void;
  /** Called after every step of the cycles, which are numbered through. */
  readonly onStep?: (metrics: PretrainMetrics) => void;
}

/** Makes the model of a recipe and writes its checkpoint to `out`; until it is done, its parts are in `out`.partial. */
export function pretrainFresh(
  recipe: PretrainRecipe,
  out: string,
  { onVisionStep, onStep }: PretrainListener = {},
): void {
  const partial = `${out}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const fresh = join(partial, "fresh");
  makeFreshCheckpoint(fresh, recipe, corpus(recipe));
  teachVision(fresh, recipe.seed, recipe.vision, computeType(recipe.precision, "cpu"), (line) => onVisionStep?.(line));
  let done = 0;
  const made = [fresh];
  for (const [i, cycle] of recipe.cycles.entries()) {
    const engine = pretrain(made.at(-1)!, recipe, cycle, done, (line) => {
      appendFileSync(join(partial, "pretrain.jsonl"), `${JSON.stringify(line)}\n`);
      onStep?.(line);
    });
    made.push(join(partial, `cycle-${i + 1}`));
    engine.export(made.at(-1)!);
    engine.dispose();
    done += cycleSteps(cycle);
  }
  averageCheckpoints(made.slice(1).slice(-recipe.average), join(partial, "result"));
  renameSync(join(partial, "result"), out);
  rmSync(partial, { recursive: true });
}
