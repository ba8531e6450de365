/** @file Ends a training that cannot go on: steps that are not finite, weights that are not, parts that do not move. */
import type { Recipe } from "./config/recipe.ts";
import type { Engine } from "./engine/engine.ts";
import type { Metrics, MetricsLine } from "./run/lines.ts";
import type { RunFolder } from "./run/run-folder.ts";
import { RolledBack, type Saving } from "./saving.ts";
import type { Update } from "./step-metrics.ts";
import { UserError } from "./util/errors.ts";

/** One step that is not finite may be chance: its update is left out. So many in a row are not. */
const IN_A_ROW = 3;

export class Health {
  readonly #run: RunFolder;
  readonly #engine: Engine;
  readonly #recipe: Recipe;
  readonly #saved: Saving;
  /** The step after which this process began. */
  readonly #from: number;
  /** The latest steps in a row that were not finite. */
  #bad: readonly Metrics[];

  /** Goes on after the lines of a run so far; the last is that of step `from`. */
  constructor(run: RunFolder, engine: Engine, recipe: Recipe, saved: Saving, from: number, past: readonly Metrics[]) {
    this.#run = run;
    this.#engine = engine;
    this.#recipe = recipe;
    this.#saved = saved;
    this.#from = from;
    this.#bad = past.slice(past.findLastIndex((line) => !isBad(line)) + 1);
  }

  /**
   * Looks at a step whose line is written.
   * @throws RolledBack after the third step in a row that was not finite, and at once when an update has spoilt the weights;
   * UserError for trained parts that the first update leaves still
   */
  async check(line: MetricsLine, updates: readonly Update[]): Promise<void> {
    const spoilt = updates.find((update) => update.spoilt)?.spoilt;
    if (spoilt !== undefined) throw await this.#afterSpoiling(line.step, spoilt);
    this.#bad = isBad(line) ? [...this.#bad, line] : [];
    if (this.#bad.length >= IN_A_ROW) throw await this.#afterBadSteps();
    // A gradient that is infinite moves nothing, since it is left out.
    if (!isBad(line)) this.#needMovement(line);
  }

  async #afterSpoiling(step: number, parameter: string): Promise<RolledBack> {
    return this.#rolledBack(
      step - 1,
      false,
      `The update of step ${step} left ${parameter} with values that are not finite.`,
      this.#calmer("optimizer.lr or optimizer.clip_norm"),
    );
  }

  async #afterBadSteps(): Promise<RolledBack> {
    const [first, last] = [this.#bad[0]!.step, this.#bad.at(-1)!.step];
    const what = [...new Set(this.#bad.flatMap(({ notFinite = [] }) => notFinite))];
    const fromRewards = what.includes("advantage");
    // The weights after the last good step are not the cause where the rewards are. Else three batches have failed on them: good are
    // the weights before it, from which a step could still be made. Those of a run that was well when it was resumed stay.
    const wasWell = this.#from < first;
    const good = fromRewards ? first - 1 : Math.max(first - 2, wasWell ? this.#from : 0);
    const { updates_per_rollout } = this.#recipe.loss;
    const isHeld = good === first - 1 && this.#bad.every(({ skipped }) => skipped === updates_per_rollout);
    const cause =
      first > this.#from + 1
        ? this.#calmer("optimizer.lr, optimizer.clip_norm or loss.beta")
        : // No update of this process came before.
          `Look at model and data with grit check. ${this.#calmer("loss.beta")}`;
    return this.#rolledBack(
      good,
      isHeld,
      `Steps ${first} to ${last} were not finite (${what.join(", ")}); their updates were left out.`,
      fromRewards ? "Lower the weight or the values of the terms in rewards.custom" : cause,
    );
  }

  /** Lower keys make updates smaller, float32 makes them more exact. */
  #calmer(keys: string): string {
    return `Lower ${keys}${this.#engine.precision === "float32" ? "" : ", or compute in precision: float32"}`;
  }

  async #rolledBack(good: number, isHeld: boolean, message: string, remedy: string): Promise<RolledBack> {
    const checkpoint = await this.#saved.rollBack(good, isHeld);
    return new RolledBack(
      message,
      checkpoint
        ? `The run is rolled back to ${checkpoint.dir}. ${remedy}, and go on from there with --resume.`
        : `No checkpoint of a good step is left in ${this.#run.dir}. ${remedy}, and begin again at the start with --resume.`,
    );
  }

  /** The first step that has something to teach moves every part that can be moved at all. */
  #needMovement({ step, advantage, gradNorm, lr }: MetricsLine): void {
    const teaches = (advantage.effectiveGroups ?? 0) > 0 && (gradNorm ?? 0) > 0 && (lr ?? 0) > 0;
    if (teaches && this.#engine.still.length > 0) {
      throw new UserError(
        `Step ${step} has not moved these parts, though they are trained: ${this.#engine.still.join(", ")}. No gradient reaches them.`,
        "Freeze them, or train on data that they have a part in: without images there is no gradient for vision.",
      );
    }
  }
}

/** Was an update of a step left out? */
function isBad({ skipped = 0 }: Metrics): boolean {
  return skipped > 0;
}
