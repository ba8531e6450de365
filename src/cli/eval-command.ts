/** @file `grit eval`: asks sets in one way or by a recipe's rows, and shows tables and comparisons of the results. */
import { basename } from "node:path";
import { Command, Option } from "commander";
import { evalJudgeNames } from "../config/judge-settings.ts";
import { inSection, placing } from "../config/key-places.ts";
import { loadSets, needEvaluationFolder, runEvaluation, settledFor } from "../evaluation/evaluate.ts";
import { needRatable } from "../evaluation/ratable.ts";
import { openEvalJudge } from "../judge/open.ts";
import { type EvalRecipe, loadEvalRecipe, type RowFollowing, runTable } from "../tables/table-recipe.ts";
import { Interrupted, messageOf, UserError } from "../util/errors.ts";
import { unlessAborted } from "../util/interruptible.ts";
import { Progress } from "../util/progress.ts";
import { askingStages } from "./asking-progress.ts";
import { compare, FORMATS, printRow, printTable, type TableOptions, writeTables } from "./eval-results.ts";
import { Interrupts } from "./interrupts.ts";
import { addJudgeOption, evalJudgeSettings, printCost } from "./judge-option.ts";
import {
  addAskingOptions,
  addSamplingOptions,
  type ModelOptions,
  modelOption,
  openModel,
  type SamplingOptions,
} from "./model-options.ts";
import { integer } from "./number-options.ts";
import { under } from "./option-groups.ts";
import { showStep } from "./train-command.ts";

interface Options extends ModelOptions, SamplingOptions, TableOptions {
  readonly data: string;
  readonly judge: string;
  readonly out?: string;
  readonly name?: string;
  readonly limit?: number;
  readonly prefix?: string;
  readonly table?: readonly string[];
  readonly compare?: readonly string[];
}

/** The options of each way of calling the command. */
const TAKES = {
  flags:
    "model data images method precision device maxPixels maxTiles temperature maxTokens seed prefix judge limit out name paper".split(
      " ",
    ),
  recipe: ["limit", "out", "paper"],
  table: ["table", "format", "paper"],
  compare: ["compare"],
};

/** The command `eval`. */
export function evalCommand(): Command {
  const command = new Command("eval")
    .description(
      "answer data sets with a model, score every answer and print the table. Give --model and --data for one row of it, or a " +
        "recipe for all. The same command continues an evaluation that was interrupted.",
    )
    .argument(
      "[recipe]",
      "a YAML file with the rows and sets of a table, or one that comes with the package, e.g. eval-scenes",
    )
    .argument("[overrides...]", "of the recipe's keys, e.g. max_tokens=100");
  under(command, "input")
    .addOption(modelOption().makeOptionMandatory(false))
    .option("--data <files>", "data files, separated by commas; each is a set, named after its file")
    .option("--limit <n>", "only the first n samples of each set", integer(1));
  addAskingOptions(command);
  under(command, "prompt").option("--prefix <text>", "text that every answer begins with");
  addSamplingOptions(command);
  addJudgeOption(command, evalJudgeNames);
  under(command, "output")
    .option(
      "--out <dir>",
      "folder to keep answers, numbers and manifest in (default: none; with a recipe runs/<its name>)",
    )
    .option(
      "--name <name>",
      "name of the row (default: that of --out); evaluations of one name and several seeds are one row",
    )
    .option("--paper", "also show the paper's published numbers");
  under(command, "existing")
    .option("--table <dirs...>", "print the table of these folders")
    .addOption(new Option("--format <name>", "how --table prints it").choices(FORMATS).default("text"))
    .option("--compare <dirs...>", "compare two of them: first how they were made, then their numbers");
  return command.action(async (recipe: string | undefined, overrides: string[], options: Options) => {
    const way = options.compare ? "compare" : options.table ? "table" : recipe !== undefined ? "recipe" : "flags";
    refuseOthers(command, way, recipe);
    if (options.compare) return compare(options.compare);
    if (options.table) return printTable(options.table, options);
    await interruptible(recipe !== undefined || options.out !== undefined, (signal) =>
      recipe === undefined ? byOptions(options, signal) : byRecipe(recipe, overrides, options, signal),
    );
  });
}

/** Options that would have no effect are refused, not ignored. */
function refuseOthers(command: Command, way: keyof typeof TAKES, recipe: string | undefined): void {
  const given = command.options.filter((option) => command.getOptionValueSource(option.attributeName()) === "cli");
  const stray = given.find((option) => !TAKES[way].includes(option.attributeName()));
  const by = way === "flags" ? "an evaluation without --table" : way === "recipe" ? "a recipe" : `--${way}`;
  if (stray) throw new UserError(`${stray.long} has no meaning with ${by}.`, "Leave it out; see grit eval --help.");
  if (recipe !== undefined && way !== "recipe") {
    throw new UserError(`"${recipe}" is a recipe to run, which does not go with --${way}.`, "Give one or the other.");
  }
}

/** Runs work that Ctrl-C or a failing judge may interrupt. `kept`: its answers are in a folder. */
async function interruptible(kept: boolean, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  using interrupts = new Interrupts();
  try {
    await work(interrupts.signal);
  } catch (error) {
    const { aborted, reason } = interrupts.signal;
    if (!(error instanceof Interrupted || (aborted && error === reason))) throw error;
    const why = aborted ? "" : `${messageOf(error)}\n  `;
    throw new Interrupted(
      `${why}Interrupted; ${kept ? "the same command continues." : "without --out nothing is kept."}`,
    );
  }
}

async function byRecipe(file: string, overrides: string[], options: Options, signal: AbortSignal): Promise<void> {
  const limit = options.limit === undefined ? [] : [`limit=${options.limit}`];
  const recipe = await loadEvalRecipe(file, [...overrides, ...limit], { files: true });
  const out = options.out ?? `runs/${basename(file).replace(/\.ya?ml$/, "")}`;
  needEvaluationFolder(out);
  await placing(recipe, () => answerRows(recipe, out, options, signal));
}

async function answerRows(recipe: EvalRecipe, out: string, options: Options, signal: AbortSignal): Promise<void> {
  const judge = await inSection("judge", () => openEvalJudge(recipe.judge, { signal }));
  let asking: RowsProgress | undefined;
  const rows = await runTable(recipe, out, judge, {
    signal,
    onOpened: (engine) => console.error(engine.computing),
    onTraining: (row, steps, from) => {
      const training = new Progress({ label: `train ${row}`, total: steps, done: from });
      return (metrics) => {
        if ("reward" in metrics) showStep(training, metrics);
        else training.update(metrics.step, `loss ${metrics.loss.toFixed(3)}`);
        if (metrics.step === steps) training.finish();
      };
    },
    onRows: (rows, samples) => {
      asking = new RowsProgress(rows, samples);
      return (row) => asking!.row(row);
    },
  });
  asking?.finish();
  await writeTables(out, rows, options);
  printCost(judge.service?.model, judge.spent?.());
}

async function byOptions(options: Options, signal: AbortSignal): Promise<void> {
  const { model, method, temperature, maxTokens, seed, prefix, out } = options;
  if (model === undefined || options.data === undefined) {
    throw new UserError(
      `${model === undefined ? "--model" : "--data"} is missing.`,
      "Name a model and data, or a recipe such as recipes/eval-scenes.yaml.",
    );
  }
  if (out !== undefined) needEvaluationFolder(out);
  const sets = await unlessAborted(signal, loadSets(filesByName(options.data), options));
  const settings = await evalJudgeSettings(options.judge);
  needRatable(settings, sets);
  // Before the model is loaded, which takes a while: a refused key is reported at once.
  const judge = await openEvalJudge(settings, { signal });
  const engine = await openModel({ ...options, model, precision: settledFor(options.precision, out) }, signal);
  try {
    const plan = {
      name: options.name ?? (out === undefined ? method : basename(out)),
      model,
      sets,
      asking: { method, temperature, maxTokens, seed, ...(prefix && { prefix }) },
      judge,
    };
    const total = sets.reduce((n, { samples }) => n + samples.length, 0);
    const asking = new RowsProgress(1, total);
    const evaluation = await runEvaluation(engine, plan, { dir: out, signal, ...asking.row("") });
    asking.finish();
    printRow(evaluation, options);
    if (out !== undefined) console.log(`\n${out}`);
    printCost(judge.service?.model, judge.spent?.());
  } finally {
    await engine.dispose();
  }
}

/** One progress line over rows that are asked one after another. */
class RowsProgress {
  readonly #progress: Progress;
  readonly #samples: number;
  #rows = 0;

  constructor(rows: number, samples: number) {
    this.#progress = new Progress(askingStages("eval", rows * samples));
    this.#samples = samples;
  }

  /** The callbacks for the next row. A row that is resumed does not check its prompts again. */
  row(name: string): RowFollowing {
    const before = this.#rows++ * this.#samples;
    this.#progress.enter("check");
    return {
      onChecked: (done) => this.#progress.update(before + done, name),
      onFound: (known) => {
        if (known > 0) this.#progress.skip(this.#samples);
        this.#progress.enter("eval");
        this.#progress.skip(known);
      },
      onProgress: (done) => this.#progress.update(before + done, name),
    };
  }

  finish(): void {
    this.#progress.finish();
  }
}

/** Sets by the names of their files. @throws UserError when two files share one */
function filesByName(data: string): Record<string, string> {
  const files = data.split(",");
  const names = files.map((file) => basename(file).replace(/\.jsonl$/, ""));
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) {
    throw new UserError(
      `--data names two files ${twice}, but answers are kept by the file's name.`,
      "Rename one, or evaluate them one at a time.",
    );
  }
  return Object.fromEntries(names.map((name, i) => [name, files[i]!]));
}
