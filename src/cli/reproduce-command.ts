/** @file `grit reproduce STUDY`: a table or figure of the paper, in the scenes world or in full size. */
import { join } from "node:path";
import { Command, Option } from "commander";
import { refuseMissing } from "../reproduce/missing.ts";
import { FAMILIES, type Family, fullSize, miniature, type Scale } from "../reproduce/scale.ts";
import { STUDIES, studyNamed } from "../reproduce/studies.ts";
import { filesOf, type Study } from "../reproduce/study.ts";
import { planOf } from "../reproduce/study-plan.ts";
import { KeptRuns, type RunsListener } from "../reproduce/study-runs.ts";
import { type Found, printed, summaryOf, writeSummary } from "../reproduce/study-summary.ts";
import { Interrupted, UserError } from "../util/errors.ts";
import { FolderLock } from "../util/folder-lock.ts";
import { Progress } from "../util/progress.ts";
import { duration } from "../util/quantities.ts";
import { interruptibly } from "./interrupts.ts";
import { addJudgeOption, judgeSettings } from "./judge-option.ts";
import { under } from "./option-groups.ts";
import { showStep } from "./train-command.ts";

interface Options {
  readonly family?: Family | "both";
  readonly quick?: boolean;
  readonly full?: boolean;
  readonly plan?: boolean;
  readonly runs: string;
  readonly out?: string;
  readonly judge: string;
}

/** The command `reproduce`. */
export function reproduceCommand(): Command {
  const command = new Command("reproduce")
    .description(
      "make a table or figure of the paper, with its numbers beside ours: in the scenes world on two cores, or by --full with the " +
        "paper's models and data. Models and answers are made once for all studies; the same command continues what was interrupted.",
    )
    .argument("<study>", STUDIES.map(({ name }) => name).join(", "))
    .addOption(
      new Option("--family <name>", "of models (default: those that the paper reports)").choices([...FAMILIES, "both"]),
    )
    .option("--quick", "one seed and 60 samples of each set: at most a quarter of an hour on two cores")
    .option("--full", "with the paper's models and data, which must be there")
    .option("--plan", "with --full: show runs, cards, hours and dollars of a judge, and stop");
  under(command, "output")
    .option(
      "--out <dir>",
      "folder for summary.json, table.md and figures (default: a folder beside the runs, named after the study)",
    )
    .option("--runs <dir>", "where models and answers are kept, for all studies", "runs/reproduce");
  addJudgeOption(command);
  return command.action(async (named: string, options: Options) => {
    const study = studyNamed(named);
    const { quick = false, full = false, plan = false } = options;
    if (quick && full) throw new UserError("--quick is given with --full.", "Leave one of them out.");
    if (plan && !full) throw new UserError("--plan is given without --full.", "Add --full.");
    if (full && study.asking) {
      throw new UserError(`${study.name} is a study of the scenes world.`, "Leave out --full.");
    }
    const families = options.family === "both" ? FAMILIES : options.family ? [options.family] : study.families;
    const scales = await Promise.all(
      families.map(async (family) => {
        const scale = await (full ? fullSize(family) : miniature(family, { quick }));
        return study.asking?.(scale) ?? scale;
      }),
    );
    if (plan) {
      for (const scale of scales) console.log(await planOf(study, scale));
      return;
    }
    await reproduce(study, scales, options);
  });
}

async function reproduce(
  study: Study,
  scales: readonly Scale[],
  { judge: named, runs: kept, out }: Options,
): Promise<void> {
  const judge = await judgeSettings(named);
  for (const scale of scales) if (scale.name === "full") refuseMissing(study, scale, judge);
  const [{ name: size, limit }] = scales as [Scale];
  const suffix = `${size === "full" ? "-full" : ""}${limit === undefined ? "" : "-quick"}`;
  const dir = out ?? join(kept, `${study.name}${suffix}`);
  const start = performance.now();
  const found = await interruptibly(CONTINUES, async (signal) => {
    using _lock = FolderLock.take(kept);
    const all: Found[] = [];
    for (const scale of scales) {
      // A service judges the rewards as it judges the answers.
      const judged = judge.name === "exact" ? scale : { ...scale, judged: { judge } };
      const runs = new KeptRuns(kept, judged, judge, listener(scale, signal));
      await runs.prepare(filesOf(study, scale));
      try {
        all.push({ scale, findings: await study.run(runs) });
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error;
        // A training that is stopped says how to continue it alone; a judge that ends the work says why.
        throw new Interrupted(signal.aborted ? CONTINUES : `${error.message}\n  ${CONTINUES}`);
      }
    }
    return all as [Found, ...Found[]];
  });
  const summary = summaryOf(study, found);
  writeSummary(dir, summary, found);
  console.log(printed(summary));
  console.error(`${duration((performance.now() - start) / 1000)}; written to ${dir}`);
}

const CONTINUES = "Interrupted; the same command continues.";

/** Shows trainings and answers as they are made. */
function listener({ family }: Scale, signal: AbortSignal): RunsListener {
  return {
    signal,
    onTraining: (run, steps, from) => {
      const progress = new Progress({ label: `train ${family} ${run}`, total: steps, done: from });
      return (metrics) => {
        if ("reward" in metrics) showStep(progress, metrics);
        else progress.update(metrics.step, `loss ${metrics.loss.toFixed(3)}`);
        if (metrics.step === steps) progress.finish();
      };
    },
    onAsking: (arm, samples) => {
      let progress: Progress | undefined;
      return (done) => {
        // Nothing is heard where all answers are kept from before.
        progress ??= new Progress({ label: `ask ${family} ${arm}`, total: samples });
        progress.update(done);
        if (done === samples) progress.finish();
      };
    },
  };
}
