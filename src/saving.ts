/** @file Saves checkpoints of a run, also when it is interrupted, and ends a run that cannot learn. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Recipe } from "./config/recipe.ts";
import { toImage } from "./config/recipe-options.ts";
import type { Engine } from "./engine/engine.ts";
import { writeAskedAs } from "./prompt/asked-as.ts";
import type { MetricsLine } from "./run/lines.ts";
import type { RunFolder } from "./run/run-folder.ts";
import { Interrupted, messageOf, UserError } from "./util/errors.ts";

/** The checkpoints of a run that trains. */
export class Saving {
  readonly #run: RunFolder;
  readonly #engine: Engine;
  readonly #recipe: Recipe;
  /** The last whole step, and the last that is in a checkpoint. */
  #done: number;
  #saved: number;
  /**
   * Are there steps that no checkpoint has, and are the weights those after the last of them? From a step's first update to its
   * line of metrics they are ahead of what is written: nothing then can be saved.
   */
  #unsaved = false;

  /** A run that goes on after `from` steps. */
  constructor(run: RunFolder, engine: Engine, recipe: Recipe, from: number) {
    this.#run = run;
    this.#engine = engine;
    this.#recipe = recipe;
    this.#done = from;
    this.#saved = from;
  }

  /** The weights are about to change. */
  begin(): void {
    this.#unsaved = false;
  }

  /** A step is complete: its line is written. */
  end(step: number): void {
    this.#done = step;
    this.#unsaved = true;
  }

  /**
   * A Hugging Face folder, and beside it under `trainer/` what only training needs. Random streams and the place in the data are
   * functions of seed and step, so the step is all there is to remember of them.
   */
  async save(): Promise<void> {
    const { method, image, save } = this.#recipe;
    // What fails now is not tried again by `rescue`: it would fill a full disk once more.
    this.#unsaved = false;
    await this.#run.saveCheckpoint(this.#done, async (dir) => {
      mkdirSync(dir, { recursive: true });
      await this.#engine.export(dir);
      writeAskedAs(dir, { method, image: toImage(image) });
      await this.#engine.save(join(dir, "trainer"));
    });
    this.#saved = this.#done;
    this.#run.prune(save.keep);
  }

  /**
   * Saves the last whole step when something ends the run before its time: a signal, a judge that is out, a want of memory, a
   * reward that fails, an image that is gone. Gives the error to end with.
   */
  async rescue(error: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    const stopped = error instanceof Interrupted || (signal?.aborted === true && error === signal.reason);
    try {
      if (this.#unsaved) await this.save();
    } catch (failure) {
      if (error instanceof UserError) return new UserError(error.message, messageOf(failure));
      return stopped ? failure : error;
    }
    const [done, saved, dir] = [this.#done, this.#saved, this.#run.dir];
    if (stopped) {
      const why = error instanceof Interrupted ? `${error.message}\n  ` : "";
      return new Interrupted(`${why}Interrupted after step ${saved}; the run is saved in ${dir}. Go on with --resume.`);
    }
    if (saved < done || !(error instanceof UserError)) return error;
    return new UserError(
      error.message,
      `Ended in step ${done + 1}; ${saved > 0 ? `the run is saved after step ${saved} in` : "nothing is saved yet in"} ${dir}. ` +
        "Go on with --resume.",
    );
  }
}

/** Ends a run that cannot learn. */
export class Health {
  readonly #run: RunFolder;
  readonly #engine: Engine;
  /** Steps in a row whose gradient was not finite. */
  #barren = 0;

  constructor(run: RunFolder, engine: Engine) {
    this.#run = run;
    this.#engine = engine;
  }

  /** @throws UserError after three steps without a finite gradient, and for trained parts that the first update leaves still */
  check({ step, skipped, advantage, gradNorm, lr }: MetricsLine): void {
    this.#barren = skipped > 0 ? this.#barren + 1 : 0;
    if (this.#barren === 3) {
      throw new UserError(
        `The gradient was not finite in three steps in a row, ${step - 2} to ${step}; those updates were left out.`,
        `Resume ${this.#run.dir} from its last checkpoint with a lower optimizer.lr, or in precision: float32.`,
      );
    }
    // The first step that has something to teach moves every part that can be moved at all.
    const teaches = (advantage.effectiveGroups ?? 0) > 0 && (gradNorm ?? 0) > 0 && (lr ?? 0) > 0;
    if (teaches && this.#engine.still.length > 0) {
      throw new UserError(
        `Step ${step} has not moved these parts, though they are trained: ${this.#engine.still.join(", ")}. No gradient reaches them.`,
        "Freeze them, or train on data that they have a part in: without images there is no gradient for vision.",
      );
    }
  }
}
