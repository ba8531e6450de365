/** @file `grit judge`: scores given answers again. */
import { Command } from "commander";
import { judgeAnswers, readAnswers } from "../jobs/judge-file.ts";
import { openJudge } from "../judge/open.ts";
import { UserError } from "../util/errors.ts";
import { Progress } from "../util/progress.ts";
import { interruptibly, NOTHING_WRITTEN } from "./interrupts.ts";
import { addJudgeOption, judgeSettings } from "./judge-option.ts";
import { checkOut, writeRows } from "./result-file.ts";

/** The command `judge`. Each line gives `{id, score}`, or `{id, score: null, reason}` where it could not be scored. */
export function judgeCommand(): Command {
  const command = new Command("judge")
    .description("score given answers, right or wrong or between")
    .requiredOption(
      "--data <file>",
      "JSON lines: question, answer (the right one), response (the one to judge); id; choices, the options of a " +
        "multiple-choice question; answer_type, e.g. integer, float, text, list; or what grit generate, grit eval or a run " +
        "has written",
    )
    .requiredOption("--out <file>", "JSON lines to write: id, score; a score of null has a reason");
  return addJudgeOption(command).action(run);
}

async function run({ data, out, judge: named }: { data: string; out: string; judge: string }): Promise<void> {
  const settings = await judgeSettings(named);
  checkOut(out, data);
  const answers = await readAnswers(data);
  const rows = await interruptibly(NOTHING_WRITTEN, async (signal) => {
    const judge = await openJudge(settings, { signal });
    const progress = new Progress({ label: "judge", total: answers.length });
    const judged = await judgeAnswers(answers, judge, (done) => progress.update(done));
    progress.finish();
    return judged;
  });
  writeRows(out, rows);
  if (rows.length > 0 && rows.every(({ score }) => score === null))
    throw new UserError(
      `None of the ${rows.length} answers could be scored. The first: ${rows[0]!.reason}`,
      `All reasons are in ${out}.`,
    );
  const scores = rows.flatMap(({ score }) => (score === null ? [] : [score]));
  const sum = scores.reduce((total, score) => total + score, 0);
  console.log(
    `${scores.length} of ${rows.length} answers scored into ${out}` +
      (scores.length === rows.length
        ? `, ${((100 * sum) / rows.length).toFixed(1)} % on average`
        : "; not all of them"),
  );
}
