/** @file `npm run quickstart`: the main job, with nothing to prepare. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { DEFAULT_COUNTS, renderSets } from "../data/scenes/sets.ts";
import { UserError } from "../errors.ts";
import { Progress } from "../progress.ts";
import { writeAskedAs } from "../prompt/asked_as.ts";
import { measureBase, measureTrained, summarize, writeAnswers } from "../quickstart.ts";
import { imageOptions, loadRecipe } from "../recipe.ts";
import { writeReport } from "../report/report.ts";
import { beforeAfterTable, rowsTable } from "../report/text-table.ts";
import { openEngine, train } from "../train.ts";
import { Interrupts } from "./interrupt.ts";
import { parameterTable, stepNote } from "./train.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** Scenes of one seed serve every run: what differs between runs is the training. */
const SCENES = { out: join(root, ".cache", "scenes"), seed: 1, counts: DEFAULT_COUNTS };

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
          `Choose another folder: npm run quickstart -- --run ${dir}-2; an interrupted run goes on by --resume.`,
        );
      }
      const started = performance.now();
      console.log("The scenes world: six held-out sets and twenty training triplets.");
      await renderSets(SCENES);
      const recipe = await loadRecipe(join(root, "recipes", "tiny.yaml"), overrides);
      const engine = openEngine(recipe);
      console.log(`\nThe base: ${recipe.model}\n${parameterTable(engine)}\n`);

      const base = await measureBase(engine, recipe);
      const measured = performance.now();
      const progress = new Progress({ label: "train", total: recipe.steps });
      const interrupts = new Interrupts();
      const run = await train(recipe, {
        run: dir,
        engine,
        resume,
        signal: interrupts.signal,
        onStep: (line) => progress.update(line.step, stepNote(line)),
      });
      interrupts[Symbol.dispose]();
      progress.finish();
      const trained = performance.now();
      const answers = { ...base, ...(await measureTrained(engine, recipe)) };
      const ended = performance.now();

      const seconds = {
        setup: setupSeconds(),
        train: (trained - measured) / 1000,
        eval: (ended - trained + measured - started) / 1000,
      };
      writeAnswers(run, answers);
      const summary = summarize(answers, seconds);
      run.writeJson("summary.json", summary);
      engine.export(join(dir, "model"));
      writeAskedAs(join(dir, "model"), { method: recipe.method, image: imageOptions(recipe.image) });
      engine.dispose();
      const report = await writeReport(dir);

      console.log(`\n${beforeAfterTable(summary)}\n\n${rowsTable(summary)}\n`);
      console.log(`report      ${report}`);
      console.log(`checkpoint  ${join(dir, "model")} (loads in transformers)`);
      console.log(`run folder  ${dir}`);
      console.log(
        `seconds     set-up ${seconds.setup.toFixed(0)}, training ${seconds.train.toFixed(0)}, evaluation ${seconds.eval.toFixed(0)}`,
      );
    });
}

/** What set-up took beside the downloads, as it recorded. */
function setupSeconds(): number {
  const path = join(root, "build", "setup.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as { seconds: number }).seconds : 0;
}
