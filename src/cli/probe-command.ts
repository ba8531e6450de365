/** @file `grit probe`: measures whether answers depend on the boxes and the reasoning before them. */
import { join } from "node:path";
import { Command } from "commander";
import type { Engine } from "../engine/engine.ts";
import type { Judge } from "../judge/judge.ts";
import { openJudge } from "../judge/open.ts";
import { attentionSummary, rethinkAttention } from "../probes/attention-share.ts";
import { boxesRemoved, withBoxes } from "../probes/boxed-thought.ts";
import { correlationSummary, drawable, pick } from "../probes/correlation.ts";
import { probe, probeSummaries } from "../probes/faithfulness.ts";
import { localChooser } from "../probes/local-chooser.ts";
import { type ServiceChooser, serviceChooser } from "../probes/service-chooser.ts";
import { decodeImage } from "../prompt/image.ts";
import { METHODS } from "../prompt/methods.ts";
import { isScored } from "../records.ts";
import { attentionChart } from "../report/attention-figure.ts";
import { faithfulnessTable } from "../report/faithfulness-table.ts";
import { fraction, percent, points } from "../report/number-format.ts";
import { UserError } from "../util/errors.ts";
import { writeWhole } from "../util/files.ts";
import { chainsCommand, type ProbeOptions, probeChains } from "./chain-options.ts";
import { addJudgeOption, isJudgeFile, judgeSettings, printCost } from "./judge-option.ts";
import { modelNamed } from "./model-folder.ts";
import { openModel } from "./model-options.ts";
import { integer } from "./number-options.ts";
import { under } from "./option-groups.ts";
import { writeRows } from "./result-file.ts";

/** The command `probe`. */
export function probeCommand(): Command {
  return new Command("probe")
    .description("measure whether a model's answers depend on the boxes and the reasoning before them")
    .addCommand(faithfulnessCommand())
    .addCommand(attentionCommand())
    .addCommand(correlationCommand());
}

function faithfulnessCommand(): Command {
  const command = chainsCommand(
    "faithfulness",
    "edit each chain (remove its boxes, shuffle them, remove the thinking) and measure how often the answer changes",
  );
  return addJudgeOption(command).action(async (options: ProbeOptions & { judge: string }) => {
    const { maxTokens, seed, method } = options;
    const settings = await judgeSettings(options.judge);
    let judge: Judge | undefined;
    const { rows: outcomes, chains } = await probeChains(options, async (engine, batch, signal) => {
      judge ??= await openJudge(settings, { signal });
      const { stop } = METHODS[method];
      return await probe(engine, engine.processor, batch, { judge, maxTokens, seed, stop, signal });
    });
    if (outcomes.length === 0) throw nothingToProbe("a <rethink>");
    const summaries = probeSummaries(outcomes);
    const rows = outcomes.map(({ acc, ...rest }) => ({
      ...rest,
      ...(isScored(acc) ? { acc } : { acc: null, ...acc }),
    }));
    writeProbe(options.out, rows, summaries);
    console.log(faithfulnessTable(summaries));
    console.log(`chains: those of ${chains} that rethink and have something to edit`);
    printCost(judge?.service?.model, judge?.spent?.());
  });
}

function attentionCommand(): Command {
  const command = chainsCommand(
    "attention",
    "measure how much attention the rethink pays to the image, with the boxes before it and without (the paper's figure 5)",
  );
  return under(command, "probe")
    .option("--tokens <n>", "how many tokens of each rethink to look at", integer(1), 50)
    .action(async (options: ProbeOptions & { tokens: number }) => {
      const { stop } = METHODS[options.method];
      const { rows, chains } = await probeChains(options, async (engine, batch, signal) => {
        const variants = { withBoxes, withoutBoxes: boxesRemoved };
        const observed = await rethinkAttention(engine, batch, variants, { stop, tokens: options.tokens, signal });
        return observed.flatMap((each, i) => {
          if (!each) return [];
          const { withBoxes, withoutBoxes } = each;
          return [{ id: batch[i]!.sample.id, withBoxes: withBoxes.image, withoutBoxes: withoutBoxes.image }];
        });
      });
      if (rows.length === 0) throw nothingToProbe("a box before a <rethink>");
      const summary = attentionSummary(rows);
      writeProbe(options.out, rows, summary);
      const chart = attentionChart(summary.withBoxes, summary.withoutBoxes, rows.length);
      writeWhole(join(options.out, "attention.svg"), chart);
      const { before, after, gain, low, high } = summary.gain;
      console.log(
        `attention on the image, mean of ${rows.length} of ${chains} chains, %: ${percent(after)} with boxes, ${percent(before)} without`,
      );
      console.log(`gain ${points(gain)} (95 % ${points(low)} … ${points(high)})`);
    });
}

function correlationCommand(): Command {
  const command = chainsCommand(
    "correlation",
    "ask a model which boxes belong to a chain, its own or random ones, shown as drawings (the paper's figure 4)",
  );
  return under(command, "probe")
    .option(
      "--chooser <who>",
      "who is asked: a model, or a service, by a YAML file with the keys of a recipe's section judge (default: the model of --model)",
    )
    .option("--repeats <n>", "how often each chain is asked about", integer(1), 3)
    .action(async (options: ProbeOptions & { chooser?: string; repeats: number }) => {
      const { seed, repeats, chooser: named } = options;
      const settings = isJudgeFile(named) ? await judgeSettings(named) : undefined;
      const other = named === undefined || settings ? undefined : modelNamed(named);
      let service: ServiceChooser | undefined;
      let chooserEngine: Engine | undefined;
      const { rows: picks, chains } = await probeChains(options, async (engine, batch, signal) => {
        if (settings) service ??= await serviceChooser(settings, { signal });
        if (other !== undefined) chooserEngine ??= await openModel({ ...options, model: other }, signal);
        const asked = chooserEngine ?? engine;
        const chooser = service ?? localChooser(named ?? options.model, asked, asked.processor, { signal });
        const picked = batch
          .filter(({ chain }) => drawable(chain).length > 0)
          .map(async (each) => pick(chooser, each, await decodeImage(each.sample.image), { repeats, seed }));
        return (await Promise.all(picked)).flat();
      }).finally(() => chooserEngine?.dispose());
      if (picks.length === 0) throw nothingToProbe("a box");
      const summary = correlationSummary(picks);
      writeProbe(options.out, picks, summary);
      const spread = summary.deviation === undefined ? "" : ` ± ${fraction(summary.deviation)}`;
      console.log(
        `correlation ${fraction(summary.mean)}${spread} over ${repeats} looks at ${summary.n} of ${chains} chains; 0.5 is chance`,
      );
      if (summary.unscored > 0) console.log(`${summary.unscored} looks gave no choice, so there is no score.`);
      printCost(service?.name, service?.spent());
    });
}

function writeProbe(out: string, rows: readonly object[], summary: object): void {
  writeRows(join(out, "rows.jsonl"), rows);
  writeWhole(join(out, "summary.json"), `${JSON.stringify(summary, null, 2)}\n`);
}

function nothingToProbe(what: string): UserError {
  return new UserError(
    `No chain has ${what}.`,
    "Use a model that was trained to reason with boxes, or give completions.",
  );
}
