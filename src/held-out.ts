/** @file Asks held-out sets during training: greedy answers go to `eval/step-N/`, their numbers into the step's line. */
import type { Recipe } from "./config/recipe.ts";
import type { Engine } from "./engine/engine.ts";
import { type AskedSet, askingOf, evaluate } from "./evaluation/ask.ts";
import { numbers } from "./evaluation/summary.ts";
import type { Judge } from "./judge/judge.ts";
import type { Answered } from "./run/lines.ts";
import type { RunFolder } from "./run/run-folder.ts";
import type { Cancellable } from "./util/interruptible.ts";

export class HeldOut {
  readonly #engine: Engine;
  readonly #recipe: Recipe;
  readonly #run: RunFolder;
  readonly #sets: readonly AskedSet[];
  readonly #judge: Judge;
  readonly #onAnswered: ((done: number, step: number) => void) | undefined;
  readonly #signal: AbortSignal | undefined;
  /** Samples answered in the evaluations so far. */
  #answered = 0;

  /** `onAnswered` hears of the samples answered so far, in all evaluations, and of the step after which they are asked. */
  constructor(
    engine: Engine,
    recipe: Recipe,
    run: RunFolder,
    sets: readonly AskedSet[],
    judge: Judge,
    { onAnswered, signal }: Cancellable & { readonly onAnswered: ((done: number, step: number) => void) | undefined },
  ) {
    this.#engine = engine;
    this.#recipe = recipe;
    this.#run = run;
    this.#sets = sets;
    this.#judge = judge;
    this.#onAnswered = onAnswered;
    this.#signal = signal;
  }

  /** Samples that will be asked by a run that goes on after `from` steps. */
  toCome(from: number): number {
    const { steps, eval: asked } = this.#recipe;
    const evaluations = asked.every > 0 ? Math.floor(steps / asked.every) - Math.floor(from / asked.every) : 0;
    const missing = this.#isMissing(from) ? 1 : 0;
    return (evaluations + missing) * this.#sets.reduce((n, { samples }) => n + samples.length, 0);
  }

  /** Asks the sets after the last step of an earlier sitting, where that was to be done and was broken off. */
  async makeUp(from: number): Promise<void> {
    if (this.#isMissing(from)) await this.after(from);
  }

  /**
   * Asks the sets after a step, if it is one after which that is due, and adds the numbers to its line of metrics.
   * @throws the signal's reason when it fires, Interrupted when the judge ends the work
   */
  async after(step: number): Promise<void> {
    if (!this.#isDue(step)) return;
    const heldOut: Record<string, ReturnType<typeof numbers>> = {};
    const lines: Answered[] = [];
    for (const set of this.#sets) {
      const [answered] = await evaluate(this.#engine, set, [askingOf(this.#recipe)], this.#judge, {
        onProgress: (done) => this.#onAnswered?.(this.#answered + done, step),
        signal: this.#signal,
      });
      heldOut[set.name] = numbers(answered!);
      for (const line of answered!) lines.push(line);
      this.#answered += answered!.length;
    }
    this.#run.writeLines(`eval/step-${step}/samples.jsonl`, lines);
    this.#run.amendMetrics({ heldOut });
  }

  #isDue(step: number): boolean {
    const { every } = this.#recipe.eval;
    return every > 0 && step > 0 && step % every === 0;
  }

  #isMissing(from: number): boolean {
    return this.#isDue(from) && this.#run.metrics().at(-1)?.heldOut === undefined;
  }
}
