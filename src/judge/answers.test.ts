/** @file `exact` on answers as models and people write them; a hedge, a refusal or a bound is never right. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { exactJudge } from "./exact.ts";

interface Case {
  readonly id: string;
  readonly question: string;
  readonly answer: string;
  readonly response: string;
  readonly choices?: readonly string[];
  readonly answer_type?: string;
  /** The right score. */
  readonly want: number;
}

const casesOf = (name: string) =>
  readFileSync(new URL(`../../test/golden/answers/${name}.jsonl`, import.meta.url), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Case);

describe.each(["reported", "further"])("answers: %s", (name) => {
  it.each(casesOf(name).map((each) => [each.id, each.answer, each.response, each] as const))(
    "%s: %j against %j",
    async (_, answer, response, { question, choices, answer_type, want }) => {
      const request = {
        question,
        answer,
        response,
        ...(choices && { choices }),
        ...(answer_type && { answerType: answer_type }),
      };
      expect(await exactJudge.judge(request)).toBe(want);
    },
  );
});
