/** @file `exact` on answers as models and people write them; a hedge, a refusal or a bound is never right. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { exactJudge } from "./exact.ts";

interface Question {
  readonly question: string;
  readonly answer: string;
  readonly choices?: readonly string[];
  readonly answer_type?: string;
}

const linesOf = <T>(name: string) =>
  readFileSync(new URL(`../../test/golden/answers/${name}.jsonl`, import.meta.url), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as T);

function score({ question, answer, choices, answer_type }: Question, response: string) {
  return exactJudge.judge({
    ...{ question, answer, response },
    ...(choices && { choices }),
    ...(answer_type && { answerType: answer_type }),
  });
}

/** Lines of one answer, whose right score is `want`. */
describe.each(["reported", "further"])("answers: %s", (name) => {
  const cases = linesOf<Question & { id: string; response: string; want: number }>(name);
  it.each(cases.map((each) => [each.id, each.answer, each.response, each] as const))(
    "%s: %j against %j",
    async (_, __, response, each) => {
      expect(await score(each, response)).toBe(each.want);
    },
  );
});

/** Lines of one question with many answers. */
describe.each(linesOf<Question & { kind: string; right: string[]; wrong: string[] }>("grouped"))(
  "answers to a question, $kind: $answer",
  ({ right, wrong, ...question }) => {
    it.each(right)("%j is right", async (response) => {
      expect(await score(question, response)).toBe(1);
    });
    it.each(wrong)("%j is not", async (response) => {
      expect(await score(question, response)).toBe(0);
    });
  },
);
