/** @file `grit judge`: scores given answers again. */

import { Command } from "commander";
import { z } from "zod";
import { answerIn } from "../chain/parse.ts";
import { givenCompletion } from "../data/given-completion.ts";
import { jsonLines, LineNames, valid } from "../data/jsonl.ts";
import { judgingFields, judgingOf } from "../data/samples.ts";
import type { JudgeRequest } from "../judge/judge.ts";
import { openJudge } from "../judge/open.ts";
import { isScored } from "../records.ts";
import { Faults } from "../util/faults.ts";
import { Progress } from "../util/progress.ts";
import { addJudgeOption, judgeSettings } from "./judge-option.ts";
import { checkOut, writeRows } from "./model-lines.ts";

const text = z.string({ error: ({ input }) => (input === undefined ? "is missing" : "is not a string") });

const lineSchema = z.object(
  {
    id: text.optional(),
    question: text,
    answer: text,
    response: z.string("is not a string").nullish(),
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
        "multiple-choice question; answer_type, e.g. integer, float, text, list; or what grit generate, grit eval or a run " +
        "has written",
    )
    .requiredOption("--out <file>", "JSON lines to write: id, score; a score of null has a reason");
  return addJudgeOption(command).action(run);
}

async function run(options: { data: string; out: string; judge: string }): Promise<void> {
  const settings = await judgeSettings(options.judge);
  checkOut(options.out, options.data);
  const requests = await readRequests(options.data);
  const judge = await openJudge(settings);
  const progress = new Progress({ label: "judge", total: requests.length });
  let done = 0;
  const rows = await Promise.all(
    requests.map(async ({ id, request }) => {
      // Where an answer was wanted and none was given, there is nothing to ask a judge.
      const score = request ? await judge.judge(request) : 0;
      progress.update(++done);
      return isScored(score) ? { id, score } : { id, score: null, reason: score.unscored };
    }),
  );
  progress.finish();
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
async function readRequests(file: string): Promise<Asked[]> {
  const faults = new Faults();
  const requests: Asked[] = [];
  const namer = new LineNames();
  for await (const row of jsonLines(file, faults)) {
    const { json, line, where } = row;
    const data = valid(lineSchema, row, faults)?.data;
    const said = data && valid(givenCompletion, row, faults)?.data;
    if (!data || !said) continue;
    const name = data.id ?? String(line);
    const id = namer.name(json, name, line);
    if (typeof id !== "string") faults.add(`${where}: id`, `is ${JSON.stringify(name)}, as in line ${id.line}`);
    const response = responseIn(data.response, said.text, json as object);
    if (response === undefined) faults.add(`${where}: response`, "is missing");
    else if (response !== null && said.text !== undefined && !said.text.includes(response))
      faults.add(`${where}: response`, `does not stand in ${said.textKey}; leave one of them out`);
    const { question, answer } = data;
    const request = response ?? undefined;
    requests.push({
      id: typeof id === "string" ? id : name,
      request: request === undefined ? undefined : { question, answer, response: request, ...judgingOf(data) },
    });
  }
  faults.throwIfAny(file, "Fix what is named above and run the command again; nothing was written.");
  return requests;
}

/** An answer to judge; no request where there is none, which is wrong. */
interface Asked {
  readonly id: string;
  readonly request: JudgeRequest | undefined;
}

/**
 * What is judged of a line: its `response`; else what stands after `<answer>` in the text that a model wrote, or all of it where
 * nothing was asked for in tags. Null where no answer was given, undefined where the line says nothing of one.
 */
function responseIn(
  response: string | null | undefined,
  text: string | undefined,
  line: object,
): string | null | undefined {
  if (response !== undefined || text === undefined) return response;
  // Evaluations leave `response` out where the tag is missing, and training reads its answers from the tag.
  return answerIn(text) ?? ("acc" in line || "advantage" in line ? null : text);
}
