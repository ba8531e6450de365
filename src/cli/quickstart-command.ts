/** @file `npm run quickstart`, and `npx grit quickstart` of an installed package: a whole run with nothing to prepare. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { addon, build, isClone } from "../../tools/places.mjs";
import { loadRecipe, type Recipe } from "../config/recipe.ts";
import { quickstart, SCENES } from "../jobs/quickstart.ts";
import { beforeAfterTable, rowsTable } from "../report/text-table.ts";
import { RunFolder } from "../run/run-folder.ts";
import { UserError } from "../util/errors.ts";
import { Progress, type Stage } from "../util/progress.ts";
import { Stopwatch } from "../util/stopwatch.ts";
import { Interrupts } from "./interrupts.ts";
import { setUp } from "./setup-command.ts";
import { parameterTable, printNotes, showStep } from "./train-command.ts";

/** The command as the user types it. */
const QUICKSTART = isClone ? "npm run quickstart --" : "npx grit quickstart";
const SCENES_IN_ALL = 2 * SCENES.counts.train + 6 * SCENES.counts.val;

/** The command `quickstart`. */
export function quickstartCommand(): Command {
  return new Command("quickstart")
    .description(
      "render scenes, train the tiny base with GRPO-GR on twenty triplets, evaluate before and after, report",
    )
    .argument("[overrides...]", "over recipes/tiny.yaml, e.g. seed=2")
    .option("--run <dir>", "the run folder", join("runs", "quickstart"))
    .option("--resume", "continue an interrupted run in that folder")
    .action(async (overrides: string[], { run: dir, resume = false }: { run: string; resume?: boolean }) => {
      if (!resume && existsSync(join(dir, "run.json"))) {
        throw new UserError(
          `${dir} already holds a run.`,
          `Choose another folder: ${QUICKSTART} --run ${dir}-2; continue an interrupted run with --resume.`,
        );
      }
      RunFolder.refuseUnfit(dir, resume);
      const isSetUp = existsSync(addon);
      if (!isSetUp) setUp();
      const clock = new Stopwatch(isSetUp ? 0 : performance.now(), { setup: setupSeconds() });
      const recipe = await loadRecipe("tiny", overrides);
      const progress = new Progress(stagesOf(recipe));
      using interrupts = new Interrupts();
      const { summary, report, model } = await quickstart(recipe, {
        run: dir,
        resume,
        clock,
        signal: interrupts.signal,
        onScenes: (done, reused) => (reused ? progress.skip(done) : progress.update(done)),
        onOpened: (engine, answers) => {
          progress.expect(STAGES.base, answers.base);
          progress.expect(STAGES.result, answers.result);
          progress.note(`\n${engine.computing}\nThe base: ${recipe.model}\n${parameterTable(engine)}\n`);
        },
        onStage: (stage) => progress.enter(STAGES[stage]),
        onAnswers: (done, set) => progress.update(done, set),
        onReady: ({ from, notes }) => {
          printNotes(notes);
          progress.skip(from);
        },
        onStep: (line) => showStep(progress, line),
      });
      progress.finish();
      console.log(`\n${beforeAfterTable(summary)}\n\n${rowsTable(summary)}\n`);
      console.log(`report      ${report}`);
      console.log(`checkpoint  ${model} (loads in transformers)`);
      console.log(`run folder  ${dir}`);
      const seconds = Object.entries(clock.seconds()).map(([phase, time]) => `${phase} ${time.toFixed(0)}`);
      console.log(`seconds     ${seconds.join(", ")}`);
    });
}

const STAGES = { scenes: "render scenes", base: "measure the base", train: "train", result: "measure the result" };

/** The whole command as stages; weights are seconds on two cores in float32; the numbers of answers are corrected once the sets are read. */
function stagesOf(recipe: Recipe): [Stage, ...Stage[]] {
  return [
    { label: STAGES.scenes, total: SCENES_IN_ALL, weight: 0.003 },
    { label: STAGES.base, total: 12 * SCENES.counts.val, weight: 0.02 },
    { label: STAGES.train, total: recipe.steps, weight: 4.4 },
    { label: STAGES.result, total: 6 * SCENES.counts.val, weight: 0.027 },
  ];
}

/** The seconds of set-up without its downloads, as recorded. */
function setupSeconds(): number {
  const path = join(build, "setup.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as { seconds: number }).seconds : 0;
}
