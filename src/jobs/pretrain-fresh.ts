/** @file A small base model from nothing: a fresh checkpoint learns to see, then to speak, cycle by cycle. */
import { appendFileSync } from "node:fs";
import { averageCheckpoints } from "../checkpoint/average.ts";
import { about } from "../config/key-places.ts";
import { corpus, cycleSteps, type PretrainMetrics, type PretrainRecipe, pretrain } from "../pretrain/cycles.ts";
import { makeFreshCheckpoint } from "../pretrain/fresh.ts";
import { teachVision, type VisionMetrics } from "../pretrain/vision.ts";
import { computeType } from "../torch/precision.ts";
import { interruptible } from "../util/interruptible.ts";
import { PartialFolder } from "../util/partial-folder.ts";

/** Callbacks that follow pretraining. */
export interface PretrainListener {
  /** Called after every step of the first stage, in which the model learns to see. */
  readonly onVisionStep?: (metrics: VisionMetrics) => void;
  /** Called after every step of the cycles, which are numbered through. */
  readonly onStep?: (metrics: PretrainMetrics) => void;
  /** Ends the work, which cannot be taken up again. */
  readonly signal?: AbortSignal;
}

/**
 * Makes the model of a recipe and writes its checkpoint to `out`; until it is done, its parts are in `out`.partial.
 * @throws UserError when another process pretrains there; Interrupted, saying which of them are whole, when the signal fires
 */
export async function pretrainFresh(
  recipe: PretrainRecipe,
  out: string,
  { onVisionStep, onStep, signal }: PretrainListener = {},
): Promise<void> {
  using work = PartialFolder.take(out);
  const fresh = work.path("fresh");
  const made: string[] = [];
  const kept = () => {
    const last = made.at(-1);
    const what = last === undefined ? "no cycle was whole, and nothing is kept" : `the last whole cycle is in ${last}`;
    return `Interrupted; ${what}. Pretraining cannot be resumed: run the command again, which begins anew.`;
  };
  await interruptible(kept, signal, async () => {
    await about("config", () => makeFreshCheckpoint(fresh, recipe, corpus(recipe)));
    const precision = computeType(recipe.precision, "cpu");
    await teachVision(fresh, recipe.seed, recipe.vision, precision, { onStep: onVisionStep, signal });
    let done = 0;
    for (const [i, cycle] of recipe.cycles.entries()) {
      const to = work.path(`cycle-${i + 1}`);
      await pretrain(made.at(-1) ?? fresh, to, recipe, cycle, done, {
        onStep: (line) => {
          appendFileSync(work.path("pretrain.jsonl"), `${JSON.stringify(line)}\n`);
          onStep?.(line);
        },
        signal,
      });
      made.push(to);
      done += cycleSteps(cycle);
    }
  });
  averageCheckpoints(made.slice(-recipe.average), work.path("result"));
  work.commit("result");
  work.remove();
}
