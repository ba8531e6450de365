/** @file `grit judge`: scores given answers again. */
import { Command } from "commander";
import { z } from "zod";
import { jsonLines, valid } from "../data/jsonl.ts";
import { judgingFields, judgingOf } from "../data/samples.ts";
import type { JudgeRequest } from "../judge/judge.ts";
import { openJudge } from "../judge/open.ts";
import { isScored } from "../records.ts";
import { Faults } from "../util/faults.ts";
import { addJudgeOption, judgeSettings } from "./judge-option.ts";
import { checkOut, writeRows } from "./model-lines.ts";

const text = z.string({ error: ({ input }) => (input === undefined ? "is missing" : "is not a string") });

const lineSchema = z.object(
  {
    id: text.optional(),
    question: text,
    answer: text,
    response: text,
    ...judgingFields,
  },
  "is not a JSON object",
);

/** The command `judge`. Each line gives `{id, score}`, or `{id, score: null, reason}` where it could not be scored. */
export function judgeCommand(): Command {
  const command = new Command("judge")
    .description("score given answers, right or wrong or between")
    .requiredOption(
      "--data <file>",
      "JSON lines: question, answer (the right one), response (the one to judge); id; choices, the options of a " +
        "multiple-choice question; answer_type, e.g. integer, float, text, list",
    )
    .requiredOption("--out <file>", "JSON lines to write: id, score; a score of null has a reason");
  return addJudgeOption(command).action(run);
}

async function run(options: { data: string; out: string; judge: string }): Promise<void> {
  const settings = await judgeSettings(options.judge);
  checkOut(options.out, options.data);
  const requests = await readRequests(options.data);
  const judge = await openJudge(settings);
  const rows = await Promise.all(
    requests.map(async ({ id, request }) => {
      const score = await judge.judge(request);
      return isScored(score) ? { id, score } : { id, score: null, reason: score.unscored };
    }),
  );
  writeRows(options.out, rows);
  const scores = rows.flatMap(({ score }) => (score === null ? [] : [score]));
  const sum = scores.reduce((total, score) => total + score, 0);
  console.log(
    `${scores.length} of ${rows.length} answers scored into ${options.out}` +
      (scores.length === rows.length
        ? `, ${((100 * sum) / rows.length).toFixed(1)} % on average`
        : "; not all of them"),
  );
}

/** The answers to judge. @throws UserError naming every fault of every line */
async function readRequests(file: string): Promise<{ id: string; request: JudgeRequest }[]> {
  const faults = new Faults();
  const requests: { id: string; request: JudgeRequest }[] = [];
  const ids = new Map<string, number>();
  for await (const row of jsonLines(file, faults)) {
    const { line, where } = row;
    const data = valid(lineSchema, row, faults)?.data;
    if (!data) continue;
    const { question, answer, response } = data;
    const id = data.id ?? String(line);
    if (ids.has(id)) faults.add(`${where}: id`, `is ${JSON.stringify(id)}, as in line ${ids.get(id)}`);
    ids.set(id, line);
    requests.push({ id, request: { question, answer, response, ...judgingOf(data) } });
  }
  faults.throwIfAny(file, "Mend what is named and run the command again; nothing was written.");
  return requests;
}
