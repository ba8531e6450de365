/** @file Scores the answers in a file by a judge. */
import { z } from "zod";
import { answerIn } from "../chain/parse.ts";
import { answeredFields, readAnswered } from "../data/answered-lines.ts";
import { givenCompletion } from "../data/given-completion.ts";
import { judgingOf } from "../data/samples.ts";
import type { Judge, JudgeRequest } from "../judge/judge.ts";
import { isScored } from "../records.ts";

const format = {
  fields: z.object({ ...answeredFields, response: z.string("is not a string").nullish() }, "is not a JSON object"),
  completion: givenCompletion,
  unnamed: (_: unknown, line: number) => String(line),
};

/** An answer to judge; no request where there is none, which is wrong. */
export interface GivenAnswer {
  readonly id: string;
  readonly request: JudgeRequest | undefined;
}

/** The score of one answer; `reason` says why there is none. */
export interface JudgedRow {
  readonly id: string;
  readonly score: number | null;
  readonly reason?: string;
}

/** Asks a judge about every answer. @throws Interrupted when a service stays down; the verdicts so far are kept */
export async function judgeAnswers(
  answers: readonly GivenAnswer[],
  judge: Judge,
  onProgress?: (done: number) => void,
): Promise<JudgedRow[]> {
  let done = 0;
  return await Promise.all(
    answers.map(async ({ id, request }) => {
      // A missing answer is wrong: there is nothing to ask a judge.
      const score = request ? await judge.judge(request) : 0;
      onProgress?.(++done);
      return isScored(score) ? { id, score } : { id, score: null, reason: score.unscored };
    }),
  );
}

/** The answers to judge. @throws UserError naming every fault of every line */
export function readAnswers(file: string): Promise<GivenAnswer[]> {
  return readAnswered(file, format, ({ id, earlier, data, said, json, where }, faults) => {
    if (earlier !== undefined) faults.add(`${where}: id`, `is ${JSON.stringify(id)}, as in line ${earlier}`);
    const response = responseIn(data.response, said.text, json);
    if (response === undefined) faults.add(`${where}: response`, "is missing");
    else if (response !== null && said.text !== undefined && !said.text.includes(response))
      faults.add(`${where}: response`, `does not occur in ${said.textKey}; leave one of them out`);
    const { question, answer } = data;
    const request = typeof response === "string" ? { question, answer, response, ...judgingOf(data) } : undefined;
    return { id, request };
  });
}

/**
 * The part of a line that is judged: its `response`; else the text after `<answer>` in what a model wrote, or all of it where no
 * tags were asked for. Null where no answer was given, undefined where the line has none of these keys.
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
