/** @file Asks held-out sets during training: greedy answers go to `eval/step-N/`, their numbers into the step's line. */
import type { Recipe } from "./config/recipe.ts";
import type { Engine } from "./engine/engine.ts";
import { type AskedSet, askingOf, evaluate } from "./evaluation/ask.ts";
import { numbers } from "./evaluation/summary.ts";
import type { Judge } from "./judge/judge.ts";
import type { Answered, MetricsLine } from "./run/lines.ts";
import type { RunFolder } from "./run/run-folder.ts";

export class HeldOut {
  readonly #engine: Engine;
  readonly #recipe: Recipe;
  readonly #run: RunFolder;
  readonly #sets: readonly AskedSet[];
  readonly #judge: Judge;
  readonly #onAnswered: ((done: number, step: number) => void) | undefined;
  /** Samples answered in the evaluations so far. */
  #answered = 0;

  /** `onAnswered` hears of the samples answered so far, in all evaluations, and of the step after which they are asked. */
  constructor(
    engine: Engine,
    recipe: Recipe,
    run: RunFolder,
    sets: readonly AskedSet[],
    judge: Judge,
    onAnswered: ((done: number, step: number) => void) | undefined,
  ) {
    this.#engine = engine;
    this.#recipe = recipe;
    this.#run = run;
    this.#sets = sets;
    this.#judge = judge;
    this.#onAnswered = onAnswered;
  }

  /** Samples that will be asked after the steps that follow `from`. */
  toCome(from: number): number {
    const { steps, eval: asked } = this.#recipe;
    const evaluations = asked.every > 0 ? Math.floor(steps / asked.every) - Math.floor(from / asked.every) : 0;
    return evaluations * this.#sets.reduce((n, { samples }) => n + samples.length, 0);
  }

  /** The numbers after a step, if it is one after which the sets are asked. */
  async after(step: number): Promise<Pick<MetricsLine, "heldOut">> {
    const { every } = this.#recipe.eval;
    if (every === 0 || step % every > 0) return {};
    const heldOut: Record<string, ReturnType<typeof numbers>> = {};
    const lines: Answered[] = [];
    for (const set of this.#sets) {
      const onProgress = (done: number) => this.#onAnswered?.(this.#answered + done, step);
      const [answered] = await evaluate(this.#engine, set, [askingOf(this.#recipe)], this.#judge, { onProgress });
      heldOut[set.name] = numbers(answered!);
      lines.push(...answered!);
      this.#answered += answered!.length;
    }
    this.#run.writeLines(`eval/step-${step}/samples.jsonl`, lines);
    return { heldOut };
  }
}
