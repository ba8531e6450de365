/** @file `npm run quickstart`, and `npx grit quickstart` of an installed package: the main job, with nothing to prepare. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { addon, build, isClone, scenes } from "../../tools/places.mjs";
import { loadRecipe, type Recipe, settledIn } from "../config/recipe.ts";
import { toImage } from "../config/recipe-options.ts";
import { DEFAULT_COUNTS, renderSets } from "../data/scenes/sets.ts";
import { computingNote } from "../engine/computing.ts";
import { heldOutSets } from "../evaluation/ask.ts";
import { countAnswers, measureAll, summarize, waysOfBase, waysOfTrained, writeAnswers } from "../jobs/quickstart.ts";
import { writeAskedAs } from "../prompt/asked-as.ts";
import { beforeAfterTable, rowsTable } from "../report/text-table.ts";
import { writeReport } from "../report/write-report.ts";
import { RunFolder } from "../run/run-folder.ts";
import { openEngine, readData, train } from "../train.ts";
import { UserError } from "../util/errors.ts";
import { Progress, type Stage } from "../util/progress.ts";
import { Interrupts } from "./interrupts.ts";
import { setUp } from "./setup-command.ts";
import { parameterTable, stepNote } from "./train-command.ts";

/** Scenes of one seed serve every run: what differs between runs is the training. */
const SCENES = { out: scenes, seed: 1, counts: DEFAULT_COUNTS };
/** The command as the user types it. */
const QUICKSTART = isClone ? "npm run quickstart --" : "npx grit quickstart";
const SCENES_IN_ALL = 2 * DEFAULT_COUNTS.train + 6 * DEFAULT_COUNTS.val;

export function quickstartCommand(): Command {
  return new Command("quickstart")
    .description(
      "render scenes, train the tiny base with GRPO-GR on twenty triplets, evaluate before and after, report",
    )
    .argument("[overrides...]", "over recipes/tiny.yaml, e.g. seed=2")
    .option("--run <dir>", "the run folder", join("runs", "quickstart"))
    .option("--resume", "go on with an interrupted run in that folder")
    .action(async (overrides: string[], { run: dir, resume = false }: { run: string; resume?: boolean }) => {
      if (!resume && existsSync(join(dir, "run.json"))) {
        throw new UserError(
          `${dir} already holds a run.`,
          `Choose another folder: ${QUICKSTART} --run ${dir}-2; an interrupted run goes on by --resume.`,
        );
      }
      if (!resume) RunFolder.refuseOccupied(dir);
      const isSetUp = existsSync(addon);
      if (!isSetUp) setUp();
      const recipe = await loadRecipe("tiny", overrides);
      const progress = new Progress(stagesOf(recipe));
      const clock = new Clock(isSetUp ? 0 : performance.now() / 1000);
      const { reused } = await renderSets({ ...SCENES, onProgress: (done) => progress.update(done) });
      if (reused) progress.skip(SCENES_IN_ALL);
      const sets = await heldOutSets(recipe);
      const data = await readData(recipe);
      progress.expect(STAGES.base, countAnswers(recipe, sets, waysOfBase));
      progress.expect(STAGES.result, countAnswers(recipe, sets, waysOfTrained));
      clock.lap("scenes");

      const engine = openEngine(resume ? settledIn(recipe, join(dir, "run.json")) : recipe);
      progress.note(`\n${computingNote(engine)}\nThe base: ${recipe.model}\n${parameterTable(engine)}\n`);
      progress.enter(STAGES.base);
      const base = await measureAll(engine, recipe, sets, waysOfBase, (done, set) => progress.update(done, set));
      clock.lap("eval");

      progress.enter(STAGES.train);
      const interrupts = new Interrupts();
      const run = await train(recipe, {
        run: dir,
        engine,
        data,
        resume,
        signal: interrupts.signal,
        onReady: ({ from }) => progress.skip(from),
        onStep: (line) => progress.update(line.step, stepNote(line)),
      });
      interrupts[Symbol.dispose]();
      clock.lap("train");

      progress.enter(STAGES.result);
      const result = await measureAll(engine, recipe, sets, waysOfTrained, (done, set) => progress.update(done, set));
      progress.finish();
      clock.lap("eval");

      const answers = { ...base, ...result };
      writeAnswers(run, answers);
      engine.export(join(dir, "model"));
      writeAskedAs(join(dir, "model"), { method: recipe.method, image: toImage(recipe.image) });
      engine.dispose();
      // The report shows the summary: what itself takes is added when it is there.
      run.writeJson("summary.json", summarize(answers, clock.seconds()));
      const report = await writeReport(dir);
      clock.lap("report");
      const summary = summarize(answers, clock.seconds());
      run.writeJson("summary.json", summary);

      console.log(`\n${beforeAfterTable(summary)}\n\n${rowsTable(summary)}\n`);
      console.log(`report      ${report}`);
      console.log(`checkpoint  ${join(dir, "model")} (loads in transformers)`);
      console.log(`run folder  ${dir}`);
      const seconds = Object.entries(clock.seconds()).map(([phase, time]) => `${phase} ${time.toFixed(0)}`);
      console.log(`seconds     ${seconds.join(", ")}`);
    });
}

const STAGES = { scenes: "render scenes", base: "measure the base", train: "train", result: "measure the result" };

/** The whole command as stages; weights are seconds on two cores in float32, and the answers those of the recipe as it is. */
function stagesOf(recipe: Recipe): [Stage, ...Stage[]] {
  return [
    { label: STAGES.scenes, total: SCENES_IN_ALL, weight: 0.003 },
    { label: STAGES.base, total: 12 * SCENES.counts.val, weight: 0.02 },
    { label: STAGES.train, total: recipe.steps, weight: 4.4 },
    { label: STAGES.result, total: 6 * SCENES.counts.val, weight: 0.027 },
  ];
}

/** Seconds by phase, from `start` on, in seconds since the process began, with what set-up recorded. */
class Clock {
  #last: number;
  readonly #laps: Record<string, number> = { setup: setupSeconds() };

  constructor(start: number) {
    this.#last = start;
  }

  lap(phase: string): void {
    const now = performance.now() / 1000;
    this.#laps[phase] = (this.#laps[phase] ?? 0) + now - this.#last;
    this.#last = now;
  }

  seconds(): Record<string, number> {
    return { ...this.#laps };
  }
}

/** What set-up took beside the downloads, as it recorded. */
function setupSeconds(): number {
  const path = join(build, "setup.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as { seconds: number }).seconds : 0;
}
