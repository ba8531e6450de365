/** @file Asks held-out sets during training: greedy answers go to `eval/step-N/`, their numbers into the step's line. */
import type { Recipe } from "./config/recipe.ts";
import { divide, expectedCost, withoutPixels } from "./distributed/divide.ts";
import { solo, type Team } from "./distributed/team.ts";
import type { Engine } from "./engine/engine.ts";
import { type AskedSet, ask, askingOf, BATCH, measured, type Reply } from "./evaluation/ask.ts";
import { numbers } from "./evaluation/summary.ts";
import type { Judge } from "./judge/judge.ts";
import type { Answered, Metrics } from "./run/lines.ts";
import type { RunFolder } from "./run/run-folder.ts";
import { chunks } from "./util/arrays.ts";
import { type Cancellable, unlessAborted } from "./util/interruptible.ts";

export interface HeldOutOptions extends Cancellable {
  /** Hears of the samples answered so far, in all evaluations, and of the step after which they are asked. */
  readonly onAnswered: ((done: number, step: number) => void) | undefined;
  /** Those who share the work. */
  readonly team?: Team;
}

export class HeldOut {
  readonly #engine: Engine;
  readonly #recipe: Recipe;
  readonly #run: RunFolder;
  readonly #sets: readonly AskedSet[];
  readonly #judge: Judge;
  /** The step after which the run goes on, where its sets were to be asked and were not. */
  readonly #missing: number | undefined;
  readonly #options: HeldOutOptions;
  readonly #team: Team;
  /** Samples answered in the evaluations so far. */
  #answered = 0;

  /** For a run that goes on after the lines of metrics in `past`. */
  constructor(
    engine: Engine,
    recipe: Recipe,
    run: RunFolder,
    sets: readonly AskedSet[],
    judge: Judge,
    past: readonly Metrics[],
    options: HeldOutOptions,
  ) {
    this.#engine = engine;
    this.#recipe = recipe;
    this.#run = run;
    this.#sets = sets;
    this.#judge = judge;
    this.#options = options;
    this.#team = options.team ?? solo;
    const last = past.at(-1);
    this.#missing = last && this.#isDue(last.step) && last.heldOut === undefined ? last.step : undefined;
  }

  /** Samples that will be asked by a run that goes on after `from` steps. */
  toCome(from: number): number {
    const { steps, eval: asked } = this.#recipe;
    const evaluations = asked.every > 0 ? Math.floor(steps / asked.every) - Math.floor(from / asked.every) : 0;
    return (evaluations + (this.#missing === undefined ? 0 : 1)) * this.#size;
  }

  /** Asks the sets after the last step of an earlier sitting, where that was to be done and was broken off. */
  async makeUp(): Promise<void> {
    if (this.#missing !== undefined) await this.after(this.#missing);
  }

  /**
   * Asks the sets after a step, if it is one after which that is due, and adds the numbers to its line of metrics. Processes that
   * train together divide the work, and the first of them judges and writes.
   * @throws the signal's reason when it fires, Interrupted when the judge ends the work
   */
  async after(step: number): Promise<void> {
    if (!this.#isDue(step)) return;
    const { signal } = this.#options;
    this.#team.at(`step ${step}, held-out sets`);
    const told = await unlessAborted(signal, this.#team.gather(await this.#askShare(step)));
    if (this.#team.leads) await this.#write(step, new Map(told.flat()));
    this.#answered += this.#size;
  }

  /** What this process is told by the model: the replies to each of its stretches, by their place among all. */
  async #askShare(step: number): Promise<[number, Reply[]][]> {
    const { onAnswered, signal } = this.#options;
    const asking = askingOf(this.#recipe);
    const stretches = this.#stretches();
    const costs = stretches.map(({ samples }) =>
      samples.reduce((sum, sample) => sum + expectedCost(sample, asking.maxTokens), 0),
    );
    const told: [number, Reply[]][] = [];
    let done = this.#answered;
    for (const i of divide(costs, this.#team.size)[this.#team.rank]!) {
      const { samples } = stretches[i]!;
      const onProgress = (part: number) => onAnswered?.(done + part, step);
      const replies = await ask(this.#engine, samples, asking, { onProgress, signal });
      told.push([i, replies.map((reply) => ({ ...reply, prompt: withoutPixels(reply.prompt) }))]);
      done += samples.length;
    }
    return told;
  }

  /** The parts in which the sets are asked: what shares a batch can change a number's last bit, so they are the same for any team. */
  #stretches(): AskedSet[] {
    return this.#sets.flatMap(({ name, samples }) => chunks(samples, BATCH).map((part) => ({ name, samples: part })));
  }

  async #write(step: number, replies: ReadonlyMap<number, readonly Reply[]>): Promise<void> {
    const bySet = new Map<string, Answered[]>(this.#sets.map(({ name }) => [name, []]));
    for (const [i, { name }] of this.#stretches().entries()) {
      const lines = await measured(this.#engine, name, askingOf(this.#recipe), replies.get(i)!, this.#judge);
      bySet.get(name)!.push(...lines);
    }
    this.#run.writeLines(`eval/step-${step}/samples.jsonl`, [...bySet.values()].flat());
    const heldOut = Object.fromEntries([...bySet].map(([name, lines]) => [name, numbers(lines)]));
    this.#run.amendMetrics({ heldOut });
  }

  get #size(): number {
    return this.#sets.reduce((n, { samples }) => n + samples.length, 0);
  }

  #isDue(step: number): boolean {
    const { every } = this.#recipe.eval;
    return every > 0 && step > 0 && step % every === 0;
  }
}
