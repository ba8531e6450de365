/** @file `grit eval`: answers, scores and a table for any sets with any model. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { Command } from "commander";
import { dataHash, loadSamples } from "../data/samples.ts";
import { UserError } from "../errors.ts";
import { type Answered, evaluate } from "../evaluate.ts";
import { writeWhole } from "../files.ts";
import { openJudge } from "../judge/open.ts";
import { Progress } from "../progress.ts";
import { row } from "../summary.ts";
import { table } from "../table.ts";
import { native } from "../torch/native.ts";
import { addJudgeOption, judgeSettings } from "./judge_option.ts";
import { integer } from "./numbers.ts";
import { addModelOptions, addSamplingOptions, type ModelOptions, openModel, type SamplingOptions } from "./options.ts";

interface Options extends ModelOptions, SamplingOptions {
  readonly data: string;
  readonly judge: string;
  readonly out?: string;
  readonly limit?: number;
  readonly prefix?: string;
}

/** The command `eval`. */
export function evalCommand(): Command {
  const command = new Command("eval")
    .description("answer data sets with a model, measure every answer, print the table")
    .requiredOption("--data <files>", "data files, separated by commas; a set is named after its file")
    .option("--out <dir>", "write samples.jsonl, summary.json and manifest.json there; must not exist")
    .option("--limit <n>", "only the first n samples of each set", integer(1))
    .option("--prefix <text>", "make every answer begin with this text");
  return addSamplingOptions(addModelOptions(addJudgeOption(command))).action(run);
}

async function run(options: Options): Promise<void> {
  if (options.out && existsSync(options.out))
    throw new UserError(`${options.out} already exists.`, "Choose another --out.");
  const { method } = options;
  const files = options.data.split(",");
  const names = files.map((file) => basename(file).replace(/\.jsonl$/, ""));
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) {
    throw new UserError(
      `--data names two files ${twice}, but answers are kept by the file's name.`,
      "Rename one, or evaluate them one at a time.",
    );
  }
  const loaded = await Promise.all(files.map((file) => loadSamples([file], { images: options.images })));
  const sets = names.map((name, i) => ({ name, samples: loaded[i]!.slice(0, options.limit) }));
  const settings = await judgeSettings(options.judge);
  const judge = await openJudge(settings);
  const engine = openModel(options);
  const asking = {
    method,
    temperature: options.temperature,
    maxTokens: options.maxTokens,
    seed: options.seed,
    ...(options.prefix && { prefix: options.prefix }),
  };
  const progress = new Progress({ label: "eval", total: sets.reduce((n, { samples }) => n + samples.length, 0) });
  const answers: Record<string, Answered[]> = {};
  let done = 0;
  for (const set of sets) {
    const [answered] = await evaluate(engine, set, [asking], judge, (part) => progress.update(done + part, set.name));
    answers[set.name] = answered!;
    done += set.samples.length;
  }
  progress.finish();
  engine.dispose();

  const result = row(method, answers);
  const percent = (value: number | null | undefined) => (value == null ? "–" : (100 * value).toFixed(1));
  const cells = Object.entries(result.sets).map(([name, { n, acc, accLow, accHigh, giou }]) => [
    name,
    n ?? 0,
    percent(acc),
    `${percent(accLow)} … ${percent(accHigh)}`,
    giou == null ? "–" : giou.toFixed(3),
  ]);
  console.log(table([["set", "n", "ACC", "95 %", "GIoU"], ...cells]));
  if (!options.out) return;
  const write = (name: string, text: string) => writeWhole(join(options.out!, name), text);
  write(
    "samples.jsonl",
    Object.values(answers)
      .flat()
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(""),
  );
  write("summary.json", `${JSON.stringify(result, null, 2)}\n`);
  const data = Object.fromEntries(
    await Promise.all(sets.map(async ({ name, samples }) => [name, await dataHash(samples)])),
  );
  const manifest = {
    model: options.model,
    asking,
    judge: settings,
    precision: options.precision,
    device: engine.device,
    data,
    libtorch: native.version(),
  };
  write("manifest.json", `${JSON.stringify(manifest, null, 2)}\n`);
  console.log(options.out);
}
