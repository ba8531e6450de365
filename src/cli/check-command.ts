/** @file `grit check RECIPE`: what can be known of a training before anything is spent on it. */

import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import { Command } from "commander";
import { figuresIn, findingText } from "../check-result.ts";
import { placing } from "../config/key-places.ts";
import { loadRecipe } from "../config/recipe.ts";
import { EngineThread } from "../engine/engine-thread.ts";
import { checkRecipe } from "../jobs/check-recipe.ts";
import { checkRecord, faultyRecord } from "../jobs/check-record.ts";
import { checkFacts } from "../report/check-facts.ts";
import { checkPage } from "../report/check-page.ts";
import { sparkline } from "../report/histogram.ts";
import { fraction } from "../report/number-format.ts";
import { CHECK_FILE, type CheckFile, type TermFigures } from "../run/check-file.ts";
import { readData } from "../train.ts";
import { extent } from "../util/arrays.ts";
import { UserError } from "../util/errors.ts";
import { FaultyInput } from "../util/faults.ts";
import { writeWhole } from "../util/files.ts";
import { unlessAborted } from "../util/interruptible.ts";
import { table } from "../util/table.ts";
import { interruptibly, NOTHING_WRITTEN } from "./interrupts.ts";
import { planMemory } from "./memory-plan.ts";
import { integer } from "./number-options.ts";

const STAGES = {
  opening: "Opening the model",
  prompts: "Laying out every prompt",
  judge: "Asking the judge",
  rollouts: "Sampling rollouts",
};

/** The command `check`. */
export function checkCommand(): Command {
  return new Command("check")
    .description(
      "check a training's recipe before anything is spent on it: data, prompts, judge, rewards of sampled rollouts, memory, time, " +
        "disk. Exits 2 where the recipe cannot teach",
    )
    .argument("<recipe>", "a YAML file, or the name of a recipe that comes with the package, e.g. tiny")
    .argument("[overrides...]", "e.g. sampling.temperature=1 group_size=8")
    .option("--out <dir>", "folder for check.html, and check.json for programs (default: runs/<recipe's name>-check)")
    .option("--rollouts <n>", "rollouts to sample, rounded up to whole groups", integer(1), 32)
    .action(run);
}

async function run(file: string, overrides: string[], { out, rollouts }: { out?: string; rollouts: number }) {
  const recipe = await loadRecipe(file, overrides, { files: true });
  const name = basename(file).replace(/\.ya?ml$/, "");
  const folder = out ?? `runs/${name}-check`;
  const page = join(folder, "check.html");
  const record = (found: CheckFile) => writeWhole(join(folder, CHECK_FILE), `${JSON.stringify(found, null, 2)}\n`);
  const checked = { file, recipe };
  const work = async (signal: AbortSignal) => {
    // The engine's thread loads while the data are read.
    EngineThread.shared();
    const data = await unlessAborted(signal, readData(recipe));
    const [, largest] = extent(data.samples.map(({ width, height }) => width * height));
    await unlessAborted(signal, planMemory(recipe, { largest }));
    return await checkRecipe(recipe, {
      data,
      rollouts,
      run: `runs/${name}`,
      onStage: (stage) => console.error(STAGES[stage]),
      signal,
    });
  };
  const check = await placing(recipe, () => interruptibly(NOTHING_WRITTEN, work)).catch((error) => {
    if (error instanceof FaultyInput) {
      // The page of an earlier check would contradict what was found now.
      rmSync(page, { force: true });
      record(faultyRecord(checked, error));
    }
    throw error;
  });
  writeWhole(page, await checkPage(name, check));
  record(checkRecord(checked, check));
  console.log(factLines(checkFacts(figuresIn(check))));
  console.log(`\n${termTable(check.terms)}\n`);
  for (const warning of check.warnings) console.log(`warning: ${findingText(warning)}`);
  console.log(page);
  if (check.refusals.length > 0) {
    const found = check.refusals.map(findingText).join("\n  ");
    throw new UserError(
      `${file} cannot teach as it is:\n  ${found}`,
      `Read the rollouts in ${page}; --rollouts samples more of them.`,
    );
  }
  console.log(`Nothing stands in the way of: grit train ${[file, ...overrides].join(" ")}`);
}

function factLines(facts: readonly (readonly [string, string])[]): string {
  const width = Math.max(...facts.map(([what]) => what.length));
  return facts.map(([what, value]) => `${what.padEnd(width)}  ${value}`).join("\n");
}

/** The terms over all rollouts, each with its range and how its scores lie in it. */
function termTable(terms: readonly TermFigures[]): string {
  const rows = terms.map(({ name, mean, spread, unscored, scores }) => [
    name,
    fraction(mean),
    fraction(spread),
    unscored,
    scores.length > 0 ? fraction(Math.min(...scores)) : "–",
    scores.length > 0 ? sparkline(scores) : "",
    scores.length > 0 ? fraction(Math.max(...scores)) : "–",
  ]);
  return table([["reward", "mean", "spread", "unscored", "from", "", "to"], ...rows]);
}
