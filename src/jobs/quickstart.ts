/** @file The quickstart: scenes, the base measured, trained with GRPO-GR, measured again, exported and reported. */
import { join } from "node:path";
import { scenes } from "../../tools/places.mjs";
import { type Recipe, settledIn } from "../config/recipe.ts";
import { toImage } from "../config/recipe-options.ts";
import { DEFAULT_COUNTS, renderSets } from "../data/scenes/sets.ts";
import type { Engine } from "../engine/engine.ts";
import { heldOutSets } from "../evaluation/ask.ts";
import { writeAskedAs } from "../prompt/asked-as.ts";
import { writeReport } from "../report/write-report.ts";
import type { Summary } from "../run/lines.ts";
import { RunFolder } from "../run/run-folder.ts";
import { openEngine, readData, type TrainOptions, train } from "../train.ts";
import { interruptible, unlessAborted } from "../util/interruptible.ts";
import { Stopwatch } from "../util/stopwatch.ts";
import {
  type Answers,
  countAnswers,
  measureAll,
  summarize,
  waysOfBase,
  waysOfTrained,
  writeAnswers,
} from "./quickstart-measures.ts";

/** Every run uses the scenes of one seed, so that runs differ in training only. */
export const SCENES = { out: scenes, seed: 1, counts: DEFAULT_COUNTS };

export interface QuickstartOptions extends Pick<TrainOptions, "onReady" | "onStep" | "signal"> {
  /** The run folder. */
  readonly run: string;
  /** Go on with the run that is there. */
  readonly resume?: boolean;
  /** Takes the time of each phase; it may have begun before. */
  readonly clock?: Stopwatch;
  /** Called while scenes are rendered, with how many are, or once with all of them if they are `reused`. */
  readonly onScenes?: (done: number, reused: boolean) => void;
  /** Called when the model is open, with the answers that will be asked of it before and after training. */
  readonly onOpened?: (engine: Engine, answers: { readonly base: number; readonly result: number }) => void;
  /** Called as each stage begins: the base is asked, trained, and asked again. */
  readonly onStage?: (stage: "base" | "train" | "result") => void;
  /** Called while the model is asked, with the answers of this stage so far and the set. */
  readonly onAnswers?: (done: number, set: string) => void;
}

/** What the quickstart has made. */
export interface Quickstarted {
  readonly summary: Summary;
  /** The page. */
  readonly report: string;
  /** The trained model as a plain Hugging Face folder. */
  readonly model: string;
}

/**
 * Runs a recipe on the scenes world from nothing to a report.
 * @throws UserError when the run folder is in use; Interrupted after a signal
 */
export async function quickstart(given: Recipe, options: QuickstartOptions): Promise<Quickstarted> {
  const { run: dir, resume = false, clock = new Stopwatch(), signal } = options;
  RunFolder.refuseUnfit(dir, resume);
  const recipe = resume ? settledIn(given, join(dir, "run.json")) : given;
  const early = "Interrupted before training. Run the command again.";
  const { sets, data, engine } = await interruptible(early, signal, () => prepare(recipe, options, clock));
  try {
    options.onOpened?.(engine, {
      base: countAnswers(recipe, sets, waysOfBase),
      result: countAnswers(recipe, sets, waysOfTrained),
    });
    options.onStage?.("base");
    const base = await interruptible(early, signal, () =>
      measureAll(engine, recipe, sets, waysOfBase, { onProgress: options.onAnswers, signal }),
    );
    clock.lap("eval");
    options.onStage?.("train");
    const { onReady, onStep } = options;
    const run = await train(recipe, {
      run: dir,
      engine,
      data,
      resume,
      ...(onReady && { onReady }),
      ...(onStep && { onStep }),
      ...(signal && { signal }),
    });
    clock.lap("train");
    options.onStage?.("result");
    return await interruptible("Interrupted after training. Continue with --resume.", signal, async () => {
      const trained = await measureAll(engine, recipe, sets, waysOfTrained, { onProgress: options.onAnswers, signal });
      clock.lap("eval");
      const answers = { ...base, ...trained };
      writeAnswers(run, answers);
      const model = join(dir, "model");
      await engine.export(model, { signal });
      writeAskedAs(model, { method: recipe.method, image: toImage(recipe.image) });
      return { ...(await reported(run, answers, clock)), model };
    });
  } finally {
    await engine.dispose();
  }
}

/** Scenes, data and the model. @throws the signal's reason when it fires */
async function prepare(recipe: Recipe, { onScenes, signal }: QuickstartOptions, clock: Stopwatch) {
  const { reused, files } = await renderSets({ ...SCENES, onProgress: (done) => onScenes?.(done, false), signal });
  const scenes = files.reduce((n, { samples }) => n + samples, 0);
  if (reused) onScenes?.(scenes, true);
  const sets = await unlessAborted(signal, heldOutSets(recipe));
  const data = await unlessAborted(signal, readData(recipe));
  clock.lap("scenes");
  const engine = await openEngine(recipe, { signal });
  return { sets, data, engine };
}

/** Writes summary and report. The report shows the summary: its own seconds are added to the file afterwards. */
async function reported(
  run: RunFolder,
  answers: Answers,
  clock: Stopwatch,
): Promise<{ summary: Summary; report: string }> {
  run.writeJson("summary.json", summarize(answers, clock.seconds()));
  const report = await writeReport(run.dir);
  clock.lap("report");
  const summary = summarize(answers, clock.seconds());
  run.writeJson("summary.json", summary);
  return { summary, report };
}
